"""How calls change keys: for a caller whose token has not ended meanwhile, and at once everywhere."""

from collections.abc import Callable
from typing import TypeVar

from astakos.directory.entities import User
from astakos.directory.tokens import token_hash
from astakos.events.event import Actor
from astakos.http.faults import Unauthorized
from astakos.http.projects.actors import actor_of, origin_of
from astakos.http.request import Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import sessions

T = TypeVar("T")


async def change_keys(
    service: Service, request: Request, user: User, change: Callable[[Connection, Actor], T]
) -> T:
    """Runs a change of keys, if the token has not ended since it was checked. It takes effect at once.

    Args:
        service: The service.
        request: The request, with the token of the caller.
        user: The caller, as the token told.
        change: Makes the change in a transaction, in the name of the actor for the audit log.

    Raises:
        Unauthorized: The token has ended, or its user is no longer active.
    """

    def carry_out(connection: Connection) -> T:
        holder = sessions.find_holder(connection, token_hash(request.token))
        if holder is None or holder.id != user.id or not holder.is_active:
            raise Unauthorized("The token has just ended.")
        return change(connection, actor_of(connection, user, origin_of(service, request)))

    done = await service.write(carry_out)
    service.forget_keys()
    return done
