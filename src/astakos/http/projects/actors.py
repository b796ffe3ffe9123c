"""Who changes a project over HTTP, for the rules and for the audit log."""

from astakos.administration.administrators import decides_about_projects
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.forwarding import caller_address
from astakos.http.request import Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection

UNKNOWN = "unknown"


def origin_of(service: Service, request: Request) -> str:
    """Returns the address that a request came from: the one that trusted proxies report, or the peer's."""
    address = caller_address(service.proxies, request)
    if address is not None:
        return str(address)
    return UNKNOWN if request.peer is None else request.peer[0]


def actor_of(connection: Connection, user: User, origin: str = UNKNOWN) -> Actor:
    """Returns a user as an actor, with what they may decide now."""
    key = None if user.key is None else user.key.prefix
    return Actor(user.uuid, origin, decides_about_projects(connection, user), key)
