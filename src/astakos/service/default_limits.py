"""Lets existing users follow a new default limit, in the running service."""

from functools import partial
from typing import Final

from astakos.administration.default_following import Following, take_step
from astakos.service.service import Service

MOST_STEPS: Final = 10
"""How many steps are taken at once, of 2,000 users and some 40 ms each; housekeeping takes the others."""


async def begin_to_follow(service: Service, name: str) -> Following | None:
    """Takes the first steps of a change of the default of a resource that has been started.

    Returns:
        How far it has come; None if all users have followed, and the default is set.

    Raises:
        StorageUnavailableError: The database cannot be written now. Housekeeping goes on.
    """
    left: Following | None = None
    for _ in range(MOST_STEPS):
        left = await service.write(partial(take_step, name=name, now=service.now()))
        if left is None or not left.goes_on:
            break
    service.forget()
    return left
