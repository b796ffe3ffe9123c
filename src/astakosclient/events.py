"""What hooks are told: each attempt of a call, and how it ended. Never a token or a body."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astakosclient.errors import AstakosClientException


@dataclass(slots=True, eq=False, weakref_slot=True)
class Attempted:
    """An attempt that is about to be sent.

    Attributes:
        call: the client's method, such as ``get_quotas``.
        method: the HTTP method.
        path: the path and query below the base URL, secrets blanked.
        server: where it goes, as ``host:port``, without the port if it is the scheme's own.
        number: 1 for the first attempt of a call.
        request_id: what is sent as ``X-Request-Id``, the same for all attempts of a call.
        headers: more headers to send with this attempt; empty at first, for a hook to fill.
    """

    call: str
    method: str
    path: str
    server: str
    number: int
    request_id: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """How an attempt ended.

    Attributes:
        attempt: the same object that was announced.
        status: the status of the answer, or None if there was none.
        error: what the attempt failed with, or None.
        seconds: how long it took.
    """

    attempt: Attempted
    status: int | None
    error: AstakosClientException | None
    seconds: float
