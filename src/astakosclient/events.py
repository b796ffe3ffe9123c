"""The events that clients pass to the hooks ``on_attempt`` and ``on_answer``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astakosclient.core.value import FixedValue

if TYPE_CHECKING:
    from astakosclient.errors import AstakosClientException


class Event(FixedValue):
    """Base class of events; compares by identity, so that events can be dictionary keys."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Returns whether both are the same object."""
        return self is other

    def __hash__(self) -> int:
        """Returns a hash based on identity."""
        return object.__hash__(self)


class Attempted(Event):
    """A request that the client is about to send. Never contains a token or a body.

    Attempts compare by identity. To attach data to an attempt, use a `weakref.WeakKeyDictionary`.

    Attributes:
        call: the client method, for example ``get_quotas``.
        method: the HTTP method.
        path: path and query relative to the base URL, for example ``/account/v1.0/quotas``, with secrets
            redacted.
        server: the server as ``host:port``, with an IPv6 address in brackets.
        number: 1 for the first attempt of a call, 2 for its first retry, and so on.
        request_id: the value of ``X-Request-Id``, which also appears in the server's logs.
        headers: initially empty; a hook can add headers to this attempt, for example ``traceparent``.
    """

    __slots__ = ("__weakref__", "call", "headers", "method", "number", "path", "request_id", "server")
    __hidden__: tuple[str, ...] = ("headers",)

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
        """Sets the attributes; see the class."""
        self.call: str = call
        self.method: str = method
        self.path: str = path
        self.server: str = server
        self.number: int = number
        self.request_id: str = request_id
        self.headers: dict[str, str] = {} if headers is None else headers


class Answered(Event):
    """The outcome of an attempt.

    Attributes:
        attempt: the object that was passed to ``on_attempt``.
        status: the HTTP status, or None if no complete response arrived.
        error: the exception that the call raises unless it is retried; None on success. If both ``status``
            and ``error`` are None, the call was cancelled or interrupted.
        seconds: duration of the attempt.

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
        """Sets the attributes; see the class."""
        self.attempt: Attempted = attempt
        self.status: int | None = status
        self.error: AstakosClientException | None = error
        self.seconds: float = seconds
