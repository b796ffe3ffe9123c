"""Whom a test adds to its service, as values that carry what the test needs of them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class User:
    """A user, who has a project of their own: its uuid is theirs.

    Attributes:
        uuid: the permanent identifier, by which quotas name the user.
        username: the mail address in lower case.
        token: what the user, or a service on the user's behalf, calls with.
    """

    uuid: str
    username: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Component:
    """A program that calls with a token of its own, and the service of the same name that it offers.

    Attributes:
        name: of both.
        token: what the calls about commissions and all ``service_…`` calls are made with.
    """

    name: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Project:
    """A project that users share; commissions name its uuid as their source."""

    uuid: str
    name: str
