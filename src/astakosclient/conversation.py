"""The course of one call: send, judge, perhaps wait, send again, read.

It is a generator that does no input or output itself. It yields what is to be done, an `Attempt` or a
`Pause`; whoever drives it does so, and sends back the answer or throws in the trouble. So the synchronous
and the asynchronous client share every decision and differ in a few lines.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from astakosclient.errors import AstakosClientException, ConnectionError, QuotaLimit  # noqa: A004 - the documented name
from astakosclient.exchange import Answer, Request, Timeout
from astakosclient.redaction import fingerprint, without_secrets, without_token

if TYPE_CHECKING:
    from astakosclient.address import Address
    from astakosclient.calls import Call
    from astakosclient.retry import Retry

T = TypeVar("T")

TROUBLE = (AstakosClientException, OSError)
"""What a transport may raise; all but the first is taken as a connection that broke after sending."""


class Attempt(NamedTuple):
    """Send this request, within this time; then send in the answer or throw in one of `TROUBLE`."""

    request: Request
    timeout: Timeout


class Pause(NamedTuple):
    """Wait so many seconds, then send in None."""

    seconds: float


Conversation = Generator[Attempt | Pause, Answer | None, T]


@dataclass(frozen=True, slots=True)
class Conversations:
    """What all calls of one client have in common.

    Attributes:
        address: where the service is.
        retry: when to repeat.
        timeout: how long a call may take.
        logger: told about each attempt (debug) and each repetition (warning), without secrets.
    """

    address: Address
    retry: Retry
    timeout: Timeout
    logger: logging.Logger

    def hold(self, call: Call[T]) -> Conversation[T]:
        """The course of one call; the result is the generator's return value."""
        request = call.request_to(self.address)
        timeout = self.timeout
        deadline = time.monotonic() + timeout.total
        failures = 0
        while True:
            started = time.monotonic()
            try:
                answer = yield Attempt(request, timeout)
            except TROUBLE as trouble:
                error = _connection_error(trouble)
                error.message = without_token(error.message, call.token)
                self._log_attempt(call, request, str(error), started)
            else:
                assert answer is not None  # noqa: S101 - the driver's side of the contract
                self._log_attempt(call, request, answer.status, started)
                if 200 <= answer.status < 300:
                    return _read(call, request, answer)
                error = call.explain(answer, call.token)
            failures += 1
            error.during(request.method, without_secrets(request.target))
            if isinstance(error, QuotaLimit) and error.resource is None:
                self.logger.error("%s; the server's reasons cannot be read", error)
            remaining = deadline - time.monotonic()
            pause = self.retry.again(
                failures,
                error,
                repeatable=request.repeatable,
                remaining=remaining,
                jitter=random.random(),  # noqa: S311 - spreads load, guards nothing
            )
            if pause is None:
                raise error
            self._log_repetition(error, failures, pause)
            if pause:
                yield Pause(pause)
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise error
            timeout = Timeout(total=remaining, connect=self.timeout.connect)

    def _log_attempt(self, call: Call[T], request: Request, outcome: int | str, started: float) -> None:
        if self.logger.isEnabledFor(logging.DEBUG):
            self.logger.debug(
                "%s %s -> %s in %.1f ms (token %s)",
                request.method,
                without_secrets(request.target),
                outcome,
                (time.monotonic() - started) * 1000,
                fingerprint(call.token),
            )

    def _log_repetition(self, error: AstakosClientException, failures: int, pause: float) -> None:
        self.logger.warning(
            "%s; repeating it in %.2f s (%d of %d)",
            error,
            pause,
            failures,
            self.retry.count,
        )


def _connection_error(trouble: BaseException) -> AstakosClientException:
    if isinstance(trouble, AstakosClientException):
        return trouble
    error = ConnectionError(trouble)
    error.__cause__ = trouble
    return error


def _read(call: Call[T], request: Request, answer: Answer) -> T:
    try:
        return call.read(answer)
    except AstakosClientException as error:
        error.during(request.method, without_secrets(request.target))
        raise
