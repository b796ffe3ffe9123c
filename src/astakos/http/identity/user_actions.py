"""`POST users/<uuid>/action`: administrators' actions on a user's account (`http-api.md` §7.4)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from astakos.administration.accounts import renew_user_token
from astakos.administration.reasons import LONGEST_REASON
from astakos.administration.user_registration import activate_user, deactivate_user, sign_terms
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.account.default_project import choose_default_project, named_project
from astakos.http.authentication import user_of_token
from astakos.http.bodies import JsonBody, require_storable
from astakos.http.faults import BadRequest, Conflict, ItemNotFound, NotAllowed, UnprocessableEntity
from astakos.http.idempotency_keys import ABOUT_KEYS
from astakos.http.identity.user_administration import REFUSALS, answer_user, change_account
from astakos.http.identity.user_documents import ChangedUser
from astakos.http.making import KEY, Made, Secrets, once_of
from astakos.http.media_types import JSON_TYPE
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection

Created = Mapping[str, str]
"""What an action creates and only its response shows, by name."""
Action = Callable[[Connection, Actor, User, Mapping[str, Any], int], Created]
NOTHING: Created = {}
SECRETS: Final = Secrets(("auth_token",), "Renew the token again, with another Idempotency-Key.")


class UserActionBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Exactly one action with its arguments: an empty object if it takes none."""

    activate: dict[str, Any] | UnsetType = UNSET
    deactivate: dict[str, Any] | UnsetType = UNSET
    renew_token: dict[str, Any] | UnsetType = UNSET
    sign_terms: dict[str, Any] | UnsetType = UNSET
    set_default_project: dict[str, Any] | UnsetType = UNSET


KEYS = UserActionBody.__struct_encode_fields__
BODY = JsonBody(UserActionBody, further_schema={"minProperties": 1, "maxProperties": 1})


@described(
    "user_actions.user_action",
    parameters=[KEY],
    body=BODY,
    answers={200: Reply(ChangedUser, [JSON_TYPE], headers=ABOUT_KEYS)},
    faults=[*REFUSALS, ItemNotFound, NotAllowed, Conflict, UnprocessableEntity],
)
async def user_action(service: Service, request: Request) -> Answer:
    """Performs one action on a user. Returns the updated user."""
    body = BODY.read(request)
    given = {name: details for name, details in msgspec.structs.asdict(body).items() if details is not UNSET}
    if len(given) != 1:
        raise BadRequest(f"The body must have exactly one of the keys {', '.join(KEYS)}.")
    ((name, details),) = given.items()
    action, now = ACTIONS[name], service.now()
    caller = await user_of_token(service, request.token)
    once = once_of(service, request, caller.uuid, body, SECRETS)

    def change(connection: Connection, actor: Actor, user: User) -> Made:
        return once.make(connection, lambda: action(connection, actor, user, details, now))

    made = await change_account(service, request, change)
    shown = await answer_user(service, request.parameter, **made.document)
    return shown._replace(headers=once.headers(made))


def _activate(
    connection: Connection, actor: Actor, user: User, _details: Mapping[str, Any], now: int
) -> Created:
    activate_user(connection, actor, user, now)
    return NOTHING


def _deactivate(
    connection: Connection, actor: Actor, user: User, details: Mapping[str, Any], now: int
) -> Created:
    reason = details.get("reason", "")
    if not isinstance(reason, str):
        raise BadRequest("The reason must be a string.")
    require_storable("reason", reason)
    if len(reason) > LONGEST_REASON:
        raise BadRequest(f"The reason must have at most {LONGEST_REASON} characters.")
    deactivate_user(connection, actor, user, reason, now)
    return NOTHING


def _renew_token(
    connection: Connection, actor: Actor, user: User, _details: Mapping[str, Any], now: int
) -> Created:
    return {"auth_token": renew_user_token(connection, actor, user, now)}


def _sign_terms(
    connection: Connection, actor: Actor, user: User, _details: Mapping[str, Any], now: int
) -> Created:
    sign_terms(connection, actor, user, now)
    return NOTHING


def _set_default_project(
    connection: Connection, actor: Actor, user: User, details: Mapping[str, Any], now: int
) -> Created:
    choose_default_project(connection, actor, user.uuid, named_project(details.get("project_id")), now)
    return NOTHING


ACTIONS: Mapping[str, Action] = {
    "activate": _activate,
    "deactivate": _deactivate,
    "renew_token": _renew_token,
    "sign_terms": _sign_terms,
    "set_default_project": _set_default_project,
}
