"""How a synchronous client carries its calls: one conversation at a time, on the caller's thread."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Self, TypeVar

from astakosclient.core.conversation import TROUBLE, Attempt, Conversations
from astakosclient.core.exchange import Timeout
from astakosclient.retry import Retry

if TYPE_CHECKING:
    import logging

    from astakosclient.calls.call import Call, Parts
    from astakosclient.core.exchange import Transport
    from astakosclient.http1.sync.transport import HttpTransport

T = TypeVar("T")


class Synchronous:
    """What every synchronous client has: where it calls, how, and over what.

    One client can be shared by all threads, and goes on working in forked processes.
    """

    _conversations: Conversations
    _transport: Transport
    _own_transport: HttpTransport | None

    def with_options(
        self, *, timeout: float | Timeout | None = None, retry: int | Retry | None = None
    ) -> Self:
        """The same client with another time or policy for its calls; it shares all connections.

        Args:
            timeout: the seconds that a whole call may take, or a `Timeout`.
            retry: how often a call may be repeated, or a `Retry`.

        Raises:
            BadValue: an argument cannot be right.

        Example:
            .. code-block:: python

                client.with_options(timeout=2, retry=0).get_quotas(token)
        """
        other = copy.copy(self)
        other._conversations = with_options(self._conversations, timeout, retry)  # noqa: SLF001 - one of its own
        return other

    def close(self) -> None:
        """Close the kept connections. Closing again does nothing; a later call opens a new connection."""
        if self._own_transport is not None:
            self._own_transport.close()

    def __enter__(self) -> Self:
        """The client itself, which is closed at the end of the ``with`` block."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the kept connections."""
        self.close()

    def __repr__(self) -> str:
        """Where the service is, and nothing secret."""
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


def with_options(
    conversations: Conversations, timeout: float | Timeout | None, retry: int | Retry | None
) -> Conversations:
    """The same with another timeout or retry, where one is given."""
    return conversations.changed(
        timeout=None if timeout is None else as_timeout(timeout),
        retry=None if retry is None else as_retry(retry),
    )


def as_timeout(timeout: float | Timeout | None) -> Timeout:
    """What a caller may give as a timeout, as one; None is the default."""
    if timeout is None:
        return Timeout()
    return timeout if isinstance(timeout, Timeout) else Timeout(total=timeout)


def as_retry(retry: int | Retry) -> Retry:
    """What a caller may give as a policy, as one."""
    return retry if isinstance(retry, Retry) else Retry(retry)


def as_logger(logger: logging.Logger | None) -> logging.Logger:
    """What a caller may give as a logger, as one; None is that of this package."""
    if logger is not None:
        return logger
    # Slow to import, and most programs have done so before they make a client.
    import logging  # noqa: PLC0415

    return logging.getLogger("astakosclient")
