"""Carries out changes to projects on behalf of callers of the API."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.faults import Fault
from astakos.http.projects.actors import actor_of, origin_of
from astakos.http.projects.refused_changes import FAULTS, refusals_as_faults
from astakos.http.request import Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection

T = TypeVar("T")

REFUSALS: Sequence[type[Fault]] = tuple(FAULTS.values())
"""The faults with which a change can be refused."""


async def carry_out(
    service: Service, request: Request, user: User, change: Callable[[Connection, Actor], T]
) -> T:
    """Runs a change in a transaction, on behalf of the user who sent a request. It takes effect at once.

    Raises:
        Fault: The change is refused, and nothing has changed.
    """
    origin = origin_of(service, request)
    with refusals_as_faults():
        done = await service.write(lambda connection: change(connection, actor_of(connection, user, origin)))
    service.forget_users()
    return done
