"""Lets existing users follow a new default limit, in the running service."""

from functools import partial

from astakos.administration.default_limits import follow_page
from astakos.events.event import Actor
from astakos.service.service import Service


async def follow_default(service: Service, actor: Actor, name: str, limit: int) -> None:
    """Lets all users who have the default of a resource follow a new one. Set the default afterwards.

    Raises:
        StateError: There is no such resource, or it cannot have this default.
        StorageUnavailableError: The database cannot be written now. Whoever has followed keeps the new limit;
            calling this again goes on.
    """
    now = service.now()
    after: int | None = 0
    while after is not None:
        after = await service.write(
            partial(follow_page, actor=actor, name=name, limit=limit, now=now, after=after)
        )
