"""Base class of the synchronous clients: runs calls on the caller's thread."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, NoReturn, Self, TypeVar

from astakosclient.core.conversation import TROUBLE, Attempt, Conversations
from astakosclient.core.exchange import Timeout
from astakosclient.errors import BadValue
from astakosclient.retry import Retry

if TYPE_CHECKING:
    import logging

    from astakosclient.calls.call import Call, Parts
    from astakosclient.core.exchange import Transport
    from astakosclient.http1.sync.transport import HttpTransport

T = TypeVar("T")
S = TypeVar("S")


class Synchronous:
    """Base class of the synchronous clients: options, transport and lifecycle.

    Thread-safe and fork-safe.
    """

    _conversations: Conversations
    _transport: Transport
    _own_transport: HttpTransport | None

    def with_options(
        self, *, timeout: float | Timeout | None = None, retry: int | Retry | None = None
    ) -> Self:
        """Returns a copy of the client with another timeout or retry policy. It shares all connections.

        Args:
            timeout: limit for a whole call, in seconds, or a `Timeout`; None keeps the current one.
            retry: maximum number of retries, or a `Retry`; None keeps the current policy.

        Raises:
            BadValue: an argument is invalid.

        Example:
            .. code-block:: python

                client.with_options(timeout=2, retry=0).get_quotas(token)
        """
        other = copy.copy(self)
        other._conversations = with_options(self._conversations, timeout, retry)  # noqa: SLF001 - own class
        return other

    def close(self) -> None:
        """Closes the client's connections. Safe to call twice; a later call opens a new connection."""
        if self._own_transport is not None:
            self._own_transport.close()

    def __enter__(self) -> Self:
        """Returns the client; leaving the ``with`` block closes it."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Closes the client's connections."""
        self.close()

    def __copy__(self) -> Self:
        """Returns another object for the same client, with the same connections."""
        return copy_of(self)

    def __getstate__(self) -> NoReturn:
        """Refuses to be pickled or deep-copied."""
        refuse_to_be_pickled(self)

    def __repr__(self) -> str:
        """Returns the class and the base URL, without secrets."""
        return f"<{type(self).__name__} of {self._conversations.address}>"

    def _run(self, call: Call[T] | Parts[T]) -> T:
        conversation = self._conversations.hold(call)
        try:
            step = next(conversation)
            while True:
                if isinstance(step, Attempt):
                    try:
                        answer = self._transport.send(step.request, step.timeout)
                    except TROUBLE as trouble:
                        step = conversation.throw(trouble)
                    else:
                        step = conversation.send(answer)
                else:
                    time.sleep(step.seconds)
                    step = next(conversation)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            conversation.close()


def copy_of(client: T) -> T:
    """Returns a shallow copy of a client."""
    other = object.__new__(type(client))
    vars(other).update(vars(client))
    return other


def refuse_to_be_pickled(client: object) -> NoReturn:
    """Refuses to pickle or deep-copy a client.

    Raises:
        TypeError: always.
    """
    raise TypeError(
        f"{type(client).__name__} cannot be pickled or deep-copied: it holds connections and secrets; "
        "create another one instead"
    )


def with_options(
    conversations: Conversations, timeout: float | Timeout | None, retry: int | Retry | None
) -> Conversations:
    """Returns the conversations with the given timeout and retry policy; None keeps the current value."""
    return conversations.changed(
        timeout=None if timeout is None else as_timeout(timeout),
        retry=None if retry is None else as_retry(retry),
    )


def as_timeout(timeout: float | Timeout | None) -> Timeout:
    """Converts a ``timeout`` argument to a `Timeout`; None selects the default."""
    if timeout is None:
        return Timeout()
    return timeout if isinstance(timeout, Timeout) else Timeout(total=timeout)


def as_retry(retry: int | Retry) -> Retry:
    """Converts a ``retry`` argument to a `Retry`."""
    return retry if isinstance(retry, Retry) else Retry(retry)


def as_transport(transport: S) -> S:
    """Returns the given transport.

    Raises:
        BadValue: what was given cannot send, for example the class in place of an object.
    """
    if isinstance(transport, type) or not callable(getattr(transport, "send", None)):
        what = "the class itself" if isinstance(transport, type) else type(transport).__name__
        raise BadValue(f"transport must be an object with a method send, not {what}")
    return transport


def as_logger(logger: logging.Logger | None) -> logging.Logger:
    """Returns the given logger, or the logger ``astakosclient`` for None.

    Raises:
        BadValue: what was given is no logger; a `logging.LoggerAdapter` is one.
    """
    if logger is not None:
        if not hasattr(logger, "isEnabledFor"):
            raise BadValue(f"logger must be a logging.Logger, not {type(logger).__name__}")
        return logger
    import logging  # noqa: PLC0415 - keeps `import astakosclient` fast

    return logging.getLogger("astakosclient")
