"""Who is calling, as handlers find them."""

from __future__ import annotations

from dataclasses import dataclass, field

USER_KEY = "astakos.user"
"""Where the user stands in an ASGI scope and in a WSGI environ."""


@dataclass(frozen=True, slots=True)
class AuthenticatedUser:
    """The user whose token a request carries, as Astakos knows them.

    Attributes:
        uuid: who it is; this is what to keep in databases and to name in commissions.
        username: the name they log in with, mostly a mail address; it can change. Empty if the service is
            of a later generation, which does not tell it (see `AstakosClient.get_username`).
        name: their name, for showing it to people.
        roles: the names of their roles (groups), such as ``staff``.
        token: the token itself, for calls on the user's behalf. No repr shows it; do not store it.
    """

    uuid: str
    username: str
    name: str
    roles: tuple[str, ...]
    token: str = field(repr=False)
