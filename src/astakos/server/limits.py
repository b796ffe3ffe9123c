"""What one connection, and all of them together, may take up: each bound with its default."""

from collections.abc import Iterable
from typing import Final

import msgspec

KIB: Final = 1024
MIB: Final = 1024 * KIB
STOP_SECONDS: Final = 5.0
"""How long a process that ends waits for what no caller waits for, when all is answered."""


class Limits(msgspec.Struct, frozen=True):
    """The bounds of a server. Times are in seconds, sizes in bytes.

    Attributes:
        connections: how many connections may be open; one more is answered with 503 and closed.
        head_bytes: the size of a request's head: its request line and headers.
        head_fields: how many header fields a request may have.
        head_seconds: how long the head may take, from its first byte.
        body_bytes: the size of a body; an operation may take less.
        body_grace_seconds: how long a body may take in any case.
        body_bytes_per_second: how quickly it must come after that, on average.
        collected_bytes: how much of unfinished bodies all connections of the process may hold together.
        unsent_bytes: how much of answers that clients do not take all connections of the process may hold
            together.
        idle_seconds: how long a connection may stay open between two requests. Longer than any proxy keeps
            one (nginx: 60): what a proxy sends on a connection that is just being closed fails.
        answer_seconds: how long an answer may wait for the client to take it, before it must be taken at
            `body_bytes_per_second`.
        linger_seconds: how long a client may take to read the last answer and close the connection.
        grace_seconds: how long a server that ends waits for requests that are under way.
        kept_seconds: the `idle_seconds` of a server that ends, within `grace_seconds`. A proxy may be sending
            a request on a connection that it keeps. One that is in use brings its next request within this
            time, and learns from the answer that it is closed; one that is not is hardly used just now.
    """

    connections: int = 4096
    head_bytes: int = 64 * KIB
    head_fields: int = 200
    head_seconds: float = 10.0
    body_bytes: int = MIB
    body_grace_seconds: float = 10.0
    body_bytes_per_second: int = KIB
    collected_bytes: int = 64 * MIB
    unsent_bytes: int = 256 * MIB
    idle_seconds: float = 75.0
    answer_seconds: float = 30.0
    linger_seconds: float = 5.0
    grace_seconds: float = 30.0
    kept_seconds: float = 2.0


def read_limits(settings: Iterable[str]) -> Limits:
    """Limits from settings like `idle_seconds=120`; those that are not set have their defaults.

    Raises:
        ValueError: there is no such limit, or it cannot have that value; the text says what would be right.
    """
    given: dict[str, str] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator or name not in Limits.__struct_fields__:
            raise ValueError(
                f"{setting!r} must be NAME=NUMBER, with one of: {', '.join(Limits.__struct_fields__)}"
            )
        try:
            msgspec.convert({name: value}, Limits, strict=False)
        except msgspec.ValidationError as error:
            kind = "whole number" if isinstance(getattr(Limits(), name), int) else "number"
            raise ValueError(f"{name} must be a {kind}, not {value!r}") from error
        given[name] = value
    limits = msgspec.convert(given, Limits, strict=False)
    for name in given:
        if getattr(limits, name) <= 0:
            raise ValueError(f"{name} must be greater than 0")
    return limits


def told(limits: Limits) -> str:
    """The limits in one line, as `read_limits` takes them."""
    found = ((name, getattr(limits, name)) for name in Limits.__struct_fields__)
    return ", ".join(f"{name}={value if isinstance(value, int) else f'{value:g}'}" for name, value in found)
