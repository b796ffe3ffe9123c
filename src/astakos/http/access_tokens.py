"""Finds whom an OAuth2 access token stands for, and what it is for."""

from typing import NamedTuple

from astakos.directory.eligibility import refuse_user
from astakos.directory.entities import User
from astakos.directory.token_scopes import covers
from astakos.directory.tokens import token_hash
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import oauth2, users
from astakos.storage.tables.oauth2 import AccessToken


class Grant(NamedTuple):
    """What a user has allowed a client: to act as the user at the addresses that the token's scope covers."""

    token: AccessToken
    user: User


async def find_grant(service: Service, token: str) -> Grant | None:
    """Returns what an access token stands for; None if it is unknown or expired, or its user inactive."""
    found = await service.read(_find, token_hash(token))
    if found is None:
        return None
    access, user = found
    now = service.now()
    if access.expires < now or refuse_user(user.with_token(now, access.expires), now) is not None:
        return None
    return found


async def covers_service(service: Service, scope: str | None, name: str) -> bool:
    """Returns whether a scope covers a service as a whole: one of its public URLs in the catalog."""
    return any(
        covers(scope, endpoint.get("publicURL") or "")
        for entry in await service.catalog()
        if entry["name"] == name
        for endpoint in entry["endpoints"]
    )


def _find(connection: Connection, hashed: bytes) -> Grant | None:
    token = oauth2.find_token(connection, hashed)
    user = None if token is None else users.find_by_uuid(connection, token.user)
    return None if token is None or user is None else Grant(token, user)
