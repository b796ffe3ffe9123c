"""What a client tells its hooks: an attempt is about to be sent, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astakosclient.core.value import FixedValue

if TYPE_CHECKING:
    from astakosclient.errors import AstakosClientException


class Event(FixedValue):
    """Something that happened: equal to itself alone."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Whether it is the same."""
        return self is other

    def __hash__(self) -> int:
        """Of this one."""
        return object.__hash__(self)


class Attempted(Event):
    """A request that is about to be sent. It never holds a token or a body.

    Two attempts are the same only if they are one object, so what a hook wants to remember of an attempt
    can be kept in a `weakref.WeakKeyDictionary`.

    Attributes:
        call: the method of the client, such as ``get_quotas``.
        method: ``GET``, ``POST`` or another method of HTTP.
        path: path and query below the base URL, such as ``account/v1.0/quotas``; secrets are blanked.
        server: whom it is for, as ``host:port``, without the port if it is the scheme's own; an IPv6
            address stands in brackets.
        number: 1 for the first attempt of a call, 2 for its first repetition, and so on.
        request_id: what is sent as ``X-Request-Id``, by which the logs of both sides can be joined.
        headers: empty; what a hook puts here is sent with this attempt, such as ``traceparent``.
    """

    __slots__ = ("__weakref__", "call", "headers", "method", "number", "path", "request_id", "server")
    __hidden__ = ("headers",)

    def __init__(
        self,
        call: str,
        method: str,
        path: str,
        server: str,
        number: int,
        request_id: str,
        headers: dict[str, str] | None = None,
    ) -> None:
        """The attributes, by name or in this order."""
        self.call = call
        self.method = method
        self.path = path
        self.server = server
        self.number = number
        self.request_id = request_id
        self.headers = {} if headers is None else headers


class Answered(Event):
    """What came of an attempt.

    Attributes:
        attempt: the same object that was given to ``on_attempt``.
        status: the HTTP status of the answer, or None if there was no complete answer.
        error: the exception that this attempt would make the call raise, were it not repeated; None for a
            success. Without a status and without an error, the call was given up while it waited.
        seconds: how long it took, from before the attempt was sent until it was settled.

    Example:
        .. code-block:: python

            def tell(answered: Answered) -> None:
                outcome = answered.status or answered.error
                print(f"{answered.attempt.call}: {outcome} after {answered.seconds:.3f} s")

            client = AstakosClient("https://accounts.example.com", on_answer=tell)
    """

    __slots__ = ("attempt", "error", "seconds", "status")

    def __init__(
        self, attempt: Attempted, status: int | None, error: AstakosClientException | None, seconds: float
    ) -> None:
        """The attributes, by name or in this order."""
        self.attempt = attempt
        self.status = status
        self.error = error
        self.seconds = seconds
