"""Lets users join projects with the codes of invitations, over the API and on the page alike."""

from collections.abc import Callable

from astakos.administration.invitations import find_invitation, join_with_invitation
from astakos.directory.attempt_limits import invitation_account
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.faults import ItemNotFound
from astakos.http.projects.changes import carry_out
from astakos.http.request import Request
from astakos.http.secret_attempts import count_wrong
from astakos.projects.invitations import Invitation
from astakos.service.service import Service
from astakos.storage.protocol import Connection


async def known_invitation(service: Service, request: Request, user: User, code: str) -> Invitation:
    """Returns the invitation with a code. A code that is wrong counts as an attempt to guess one.

    Raises:
        ItemNotFound: The code is wrong.
        TooManyAttempts: It is wrong, as too many others were before.
    """
    found = await service.read(find_invitation, code)
    if found is None:
        await count_wrong(service, request, invitation_account(user.uuid))
        raise ItemNotFound("There is no such invitation. It may have been revoked; ask for a new one.")
    return found


def joining(code: str, user: str, now: int, project: str | None = None) -> Callable[[Connection, Actor], int]:
    """Returns the change that makes a user a member with a known code; see `join`."""
    return lambda connection, actor: join_with_invitation(connection, actor, code, user, now, project=project)


async def join(service: Service, request: Request, user: User, code: str, project: str | None = None) -> int:
    """Makes a user a member of the project that they are invited to, and returns the ID of the membership.

    Args:
        service: The service.
        request: The request that has the code.
        user: The user who joins.
        code: The code of the invitation.
        project: The UUID or the number of the project that it must be for; None for any.

    Raises:
        Fault: The code is wrong, or the user cannot join now; no use of the invitation is spent.
    """
    await known_invitation(service, request, user, code)
    return await carry_out(service, request, user, joining(code, user.uuid, service.now(), project))
