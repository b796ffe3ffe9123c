"""`users/<uuid>/action`: what administrators do with a user's account (`http-api.md` §7.4)."""

from collections.abc import Callable, Mapping
from typing import Any

from astakos.administration.accounts import renew_user_token
from astakos.administration.registration import activate_user, deactivate_user, sign_terms
from astakos.directory.model import User
from astakos.http.bodies import read_object, require_json, require_storable
from astakos.http.default_project import choose_default_project, named_project
from astakos.http.faults import BadRequest
from astakos.http.messages import Answer, Request
from astakos.http.service import Service
from astakos.http.users_admin import answer_user, change_account
from astakos.storage.database import Connection

Made = Mapping[str, str]
"""What an action has made that can be seen only now, by name."""
Action = Callable[[Connection, User, Mapping[str, Any], int], Made]
NOTHING: Made = {}


async def user_action(service: Service, request: Request) -> Answer:
    """`POST users/<uuid>/action`: one action, named by the one key; answers the user as they are then."""
    require_json(request)
    body = await read_object(request)
    if len(body) != 1 or not body.keys() <= ACTIONS.keys():
        raise BadRequest(f"The body must have exactly one of the keys {', '.join(ACTIONS)}.")
    ((name, details),) = body.items()
    if not isinstance(details, dict):
        raise BadRequest(f"What {name} is to do must stand in an object, which may be empty.")
    action, now = ACTIONS[name], service.now()
    made = await change_account(
        service, request, lambda connection, user: action(connection, user, details, now)
    )
    return await answer_user(service, request.parameter, **made)


def _activate(connection: Connection, user: User, _details: Mapping[str, Any], _now: int) -> Made:
    activate_user(connection, user)
    return NOTHING


def _deactivate(connection: Connection, user: User, details: Mapping[str, Any], _now: int) -> Made:
    reason = details.get("reason", "")
    if not isinstance(reason, str):
        raise BadRequest("The reason must be a text.")
    require_storable("reason", reason)
    deactivate_user(connection, user, reason)
    return NOTHING


def _renew_token(connection: Connection, user: User, _details: Mapping[str, Any], now: int) -> Made:
    return {"auth_token": renew_user_token(connection, user, now)}


def _sign_terms(connection: Connection, user: User, _details: Mapping[str, Any], _now: int) -> Made:
    sign_terms(connection, user)
    return NOTHING


def _set_default_project(connection: Connection, user: User, details: Mapping[str, Any], _now: int) -> Made:
    choose_default_project(connection, user.uuid, named_project(details))
    return NOTHING


ACTIONS: Mapping[str, Action] = {
    "activate": _activate,
    "deactivate": _deactivate,
    "renewToken": _renew_token,
    "signTerms": _sign_terms,
    "setDefaultProject": _set_default_project,
}
