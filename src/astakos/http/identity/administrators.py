"""Restricts user administration to members of the groups that a setting names (`http-api.md` §7.4)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from astakos.directory.tokens import token_hash
from astakos.events.event import Actor
from astakos.http.authentication import caller_of_token
from astakos.http.faults import BadRequest, Forbidden, NotAllowed, TokenMissing, Unauthorized
from astakos.http.openapi.description import TokenKind
from astakos.http.projects.actors import actor_of, origin_of
from astakos.http.request import JSON, NO_SUCH_CALL, Answer, Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import sessions, settings, users


class InnerFault(Unauthorized):
    """The caller's token is invalid. User administration has its own name for this fault."""

    name = "fault"


@dataclass(frozen=True, slots=True)
class ForAdministrators:
    """The methods of a path, for administrators only. Without the setting the path does not exist."""

    handlers: Mapping[str, Callable[[Service, Request], Awaitable[Answer]]]
    tokens: ClassVar[tuple[TokenKind, ...]] = ("user",)

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Checks that the API is enabled, the method exists, and the caller is an administrator."""
        groups = await service.read(_permitted_groups)
        if groups is None:
            raise BadRequest(NO_SUCH_CALL)
        request.serialization = JSON
        handler = self.handlers.get(request.method)
        if handler is None:
            raise NotAllowed.method(request.method, tuple(self.handlers))
        if not request.token:
            raise TokenMissing
        try:
            user = await caller_of_token(service, request, request.token)
        except Unauthorized as refusal:
            raise InnerFault(refusal.message) from refusal
        await service.read(_require_member, user.id, groups)
        return await handler(service, request)


def require_still_valid(connection: Connection, service: Service, request: Request) -> Actor:
    """Returns the caller, in the transaction of a change.

    Requires that neither their token nor their right has ended since both were checked: hashing a password
    may take seconds.

    Raises:
        InnerFault: The token has ended.
        BadRequest: The API has been turned off.
        Forbidden: They are no longer in one of the groups.
    """
    user = sessions.find_holder(connection, token_hash(request.token))
    if user is None or not user.is_active:
        raise InnerFault("The token has just ended.")
    groups = _permitted_groups(connection)
    if groups is None:
        raise BadRequest(NO_SUCH_CALL)
    _require_member(connection, user.id, groups)
    return actor_of(connection, user, origin_of(service, request))


def _require_member(connection: Connection, user: int, groups: Sequence[str]) -> None:
    if not any(group.name in groups for group in users.groups_of(connection, user)):
        raise Forbidden(f"Only members of these groups may call this: {', '.join(groups)}.")


def _permitted_groups(connection: Connection) -> list[str] | None:
    if not settings.find(connection, settings.ADMIN_USERS):
        return None
    groups: list[str] = settings.find(
        connection, settings.ADMIN_USERS_GROUPS, settings.DEFAULT_ADMIN_USERS_GROUPS
    )
    return groups
