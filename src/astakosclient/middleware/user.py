"""The authenticated user that the middleware passes to handlers."""

from __future__ import annotations

from dataclasses import dataclass, field

from astakosclient.core.request_key import RequestKey

USER_KEY = "astakos.user"
"""The key of the user in an ASGI scope and in a WSGI environ."""


@dataclass(frozen=True, slots=True)
class AuthenticatedUser:
    """The holder of the token in a request.

    Attributes:
        uuid: the user's UUID. It never changes; use it in databases and commissions.
        username: the login name, usually an email address; it can change. Empty if the server does not
            support `AstakosClient.get_user_info` (the original Astakos since 0.15); then call
            `AstakosClient.get_username`.
        name: the user's full name, for display.
        roles: the names of the user's groups, for example ``staff``.
        token: the token, for calls on the user's behalf. Omitted from ``repr()``; do not store it.
        key: the prefix of the key that was sent in place of a token; None for a token. Pass it on when you
            charge the user; ``client.commission(…)`` does so by itself.
        address: the IP address that the request came from: that of the connection, or the one that a trusted
            proxy tells; None if it is unknown.
    """

    uuid: str
    username: str
    name: str
    roles: tuple[str, ...]
    token: str = field(repr=False)
    key: str | None = None
    address: str | None = None


def key_of(user: AuthenticatedUser | None) -> RequestKey | None:
    """Returns the key that a user has sent, for what is charged while the request is handled."""
    return None if user is None or user.key is None else RequestKey(user.uuid, user.key)
