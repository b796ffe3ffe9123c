"""The users, components, and projects that a test adds to its service, as values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class User:
    """A user, whose system project has the same uuid.

    Attributes:
        uuid: the permanent identifier, which quotas refer to.
        username: the email address in lowercase.
        token: the token for calls by the user, or by a service on the user's behalf.
    """

    uuid: str
    username: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Component:
    """A program that calls with its own token, and offers a service of the same name.

    Attributes:
        name: the name of both.
        token: the token for calls about commissions and for all ``service_…`` calls.
    """

    name: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Project:
    """A project that users share; commissions use its uuid as their source."""

    uuid: str
    name: str
