"""Who may administer users by this API: members of the groups that a setting names (`http-api.md` §7.4)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from astakos.http.authentication import MISSING, user_of_token
from astakos.http.faults import BadRequest, Fault, Forbidden, NotAllowed, Unauthorized
from astakos.http.openapi.description import TokenKind
from astakos.http.request import JSON, NO_SUCH_CALL, Answer, Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings, users


class InnerFault(Fault):
    """The caller's token does not count; this API has a name of its own for that."""

    status = 401
    name = "fault"


@dataclass(frozen=True, slots=True)
class ForAdministrators:
    """The methods of a path, for members of the groups that a setting names; unknown without that setting."""

    handlers: Mapping[str, Callable[[Service, Request], Awaitable[Answer]]]
    tokens: ClassVar[tuple[TokenKind, ...]] = ("user",)

    async def __call__(self, service: Service, request: Request) -> Answer:
        """See that it is turned on, that there is such a method, and that the caller may use it."""
        groups = await service.read(_permitted_groups)
        if groups is None:
            raise BadRequest(NO_SUCH_CALL)
        request.serialization = JSON
        handler = self.handlers.get(request.method)
        if handler is None:
            raise NotAllowed.method(request.method, tuple(self.handlers))
        if not request.token:
            raise Unauthorized(MISSING)
        try:
            user = await user_of_token(service, request.token)
        except Unauthorized as refusal:
            raise InnerFault(refusal.message) from refusal
        if not any(group.name in groups for group in await service.read(users.groups_of, user.id)):
            raise Forbidden(f"This is for members of one of these groups: {', '.join(groups)}.")
        return await handler(service, request)


def _permitted_groups(connection: Connection) -> list[str] | None:
    if not settings.find(connection, settings.ADMIN_USERS):
        return None
    groups: list[str] = settings.find(
        connection, settings.ADMIN_USERS_GROUPS, settings.DEFAULT_ADMIN_USERS_GROUPS
    )
    return groups
