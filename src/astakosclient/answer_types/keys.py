"""API keys, and what is told of tokens."""

from typing import Literal, NotRequired, TypedDict


class Key(TypedDict):
    """An API key, without its secret. Times are in ISO 8601.

    ``prefix`` is what the key begins with, by which calls name it. None stands for no limit (``services``,
    ``calls``, ``networks``), for all projects of the user (``project``), for never (``expires``,
    ``last_used``), and for an operator (``creator``, otherwise a UUID). ``last_used`` is exact to a minute.
    ``limits`` are those of resources, by name.
    """

    prefix: str
    name: str
    state: Literal["valid", "expired"]
    project: str | None
    services: list[str] | None
    calls: list[str] | None
    networks: list[str] | None
    created: str
    expires: str | None
    last_used: str | None
    creator: str | None
    limits: dict[str, int]


class NewKey(Key):
    """A key that was just made or rotated; ``key`` is shown only here."""

    key: str


class Introspection(TypedDict):
    """What a server knows about a token (RFC 7662). All it says of an invalid one: it is not ``active``.

    ``sub`` is the user's UUID, ``exp`` and ``iat`` are in seconds since the Unix epoch. ``key`` is the prefix
    of a key. ``projects`` are the UUIDs of the projects that the holder can draw from, ``tenant`` is their
    default. OAuth2 access tokens have ``client_id`` and ``scope``, and neither roles nor projects.
    """

    active: bool
    token_type: NotRequired[str]
    iss: NotRequired[str]
    sub: NotRequired[str]
    username: NotRequired[str]
    name: NotRequired[str]
    exp: NotRequired[int]
    iat: NotRequired[int]
    roles: NotRequired[list[str]]
    projects: NotRequired[list[str]]
    tenant: NotRequired[str]
    key: NotRequired[str]
    client_id: NotRequired[str]
    scope: NotRequired[str]


class OAuth2Token(TypedDict):
    """An OAuth2 access token; ``expires_in`` is in seconds."""

    access_token: str
    token_type: str
    expires_in: NotRequired[int]
    scope: NotRequired[str]
    state: NotRequired[str]
