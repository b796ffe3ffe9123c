"""The course of one call: send, judge, perhaps wait, send again, read.

It is a generator that does no input or output itself. It yields what is to be done, an `Attempt` or a
`Pause`; whoever drives it does so, and sends back the answer or throws in the trouble. So the synchronous
and the asynchronous client share every decision and differ in a few lines.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from astakosclient.calls.call import Call, Parts, is_header
from astakosclient.calls.commissions import COMMISSIONS, ask_what_is_supported
from astakosclient.core.exchange import Answer, Request, Timeout
from astakosclient.core.redaction import fingerprint, without_secrets, without_token
from astakosclient.core.server_knowledge import Server
from astakosclient.errors import (
    AstakosClientException,
    ConnectionError,  # noqa: A004 - the documented name
    NotFound,
    QuotaLimit,
)
from astakosclient.events import Answered, Attempted
from astakosclient.retry import Allowance

if TYPE_CHECKING:
    import logging

    from astakosclient.core.address import Address
    from astakosclient.retry import Retry

T = TypeVar("T")
E = TypeVar("E")

DEBUG = 10
"""As in `logging`, which is slow to import: a client without a logger of its own loads it when it is made."""

TROUBLE = (AstakosClientException, OSError)
"""What a transport may raise; all but the first is taken as a connection that broke after sending."""

COMMON_HEADERS = (("User-Agent", "astakosclient"), ("Accept", "application/json"))


class Attempt(NamedTuple):
    """Send this request, within this time; then send in the answer or throw in one of `TROUBLE`."""

    request: Request
    timeout: Timeout


class Pause(NamedTuple):
    """Wait so many seconds, then send in None."""

    seconds: float


Conversation = Generator[Attempt | Pause, Answer | None, T]


class Conversations:
    """What all calls of one client have in common.

    Attributes:
        address: where the service is.
        retry: when to repeat.
        timeout: how long a call may take.
        logger: told about each attempt (debug) and each repetition (warning), without secrets.
        headers: what is sent with every request.
        secrets: what must not be shown, should the server repeat it.
        locate: where the path of a call is below the address, if not there itself.
        on_attempt, on_answer: told before and after each attempt.
        server: what has been learned about the server.
        allowance: how many repetitions are left.
    """

    def __init__(
        self,
        *,
        address: Address,
        retry: Retry,
        timeout: Timeout,
        logger: logging.Logger,
        headers: tuple[tuple[str, str], ...] = COMMON_HEADERS,
        secrets: tuple[str, ...] = (),
        locate: Callable[[str], str] | None = None,
        on_attempt: Callable[[Attempted], None] | None = None,
        on_answer: Callable[[Answered], None] | None = None,
    ) -> None:
        """Know nothing of the server yet, and have the whole budget of repetitions."""
        self.address = address
        self.retry = retry
        self.timeout = timeout
        self.logger = logger
        self.headers = headers
        self.secrets = secrets
        self.locate = locate
        self.on_attempt = on_attempt
        self.on_answer = on_answer
        self.server = Server()
        self.allowance = Allowance(retry.budget)

    def changed(
        self,
        *,
        timeout: Timeout | None = None,
        retry: Retry | None = None,
        logger: logging.Logger | None = None,
    ) -> Conversations:
        """The same with other options; what has been learned and the budget of one policy are shared."""
        other = copy.copy(self)
        other.timeout = timeout or self.timeout
        other.logger = logger or self.logger
        if retry is not None and retry != self.retry:
            other.retry = retry
            other.allowance = Allowance(retry.budget)
        return other

    def hold(self, call: Call[T] | Parts[T]) -> Conversation[T]:
        """The course of one call; the result is the generator's return value.

        What cannot be sent at all raises `BadValue` when the generator is begun.
        """
        deadline = time.monotonic() + self.timeout.total
        if isinstance(call, Parts):
            return self._hold_all(call, deadline)
        return _Course(self, call, self.timeout, deadline).run()

    def _hold_all(self, parts: Parts[T], deadline: float) -> Conversation[T]:
        results = []
        for part in parts.calls:
            # What is left is at least a moment, so that it is the attempt that fails.
            timeout = Timeout(max(0.001, deadline - time.monotonic()), self.timeout.connect)
            result = yield from _Course(self, part, timeout, deadline).run()
            results.append(result)
        return parts.join(results)


class _Course(Generic[T]):
    """One call from its first attempt to its end."""

    __slots__ = (
        "_call",
        "_common",
        "_deadline",
        "_failures",
        "_may_be_done",
        "_repeatable",
        "_request",
        "_request_id",
        "_timeout",
    )

    def __init__(self, common: Conversations, call: Call[T], timeout: Timeout, deadline: float) -> None:
        self._common = common
        self._call = call
        self._timeout = timeout
        self._deadline = deadline
        self._failures = 0
        self._may_be_done = False
        self._request_id = os.urandom(12).hex()
        headers = (*common.headers, ("X-Request-Id", self._request_id))
        path = call.path if common.locate is None else common.locate(call.path)
        self._request = call.request_to(common.address, path, headers)
        self._repeatable = call.repeatable
        if call.repeatable_with and common.server.supports(call.repeatable_with):
            self._make_repeatable()

    def run(self) -> Conversation[T]:
        """All of it."""
        while True:
            outcome = yield from self._attempt()
            if isinstance(outcome, Answer):
                self._common.allowance.give_back()
                return self._read(outcome)
            if self._call.confirm is not None and self._may_be_done and isinstance(outcome, NotFound):
                confirmation = _Course(self._common, self._call.confirm, self._timeout, self._deadline)
                if (yield from confirmation.run()):
                    return self._read(Answer(200))
            yield from self._wait_to_repeat(outcome)

    def _attempt(self) -> Generator[Attempt, Answer | None, Answer | AstakosClientException]:
        common = self._common
        attempted = self._announce() if common.on_attempt or common.on_answer else None
        request = self._request
        if attempted is not None and attempted.headers:
            request = request.changed(headers=request.headers + self._checked(attempted.headers))
        outcome: Answer | AstakosClientException
        status = None
        started = time.monotonic()
        try:
            answer = yield Attempt(request, self._timeout)
        except GeneratorExit:
            if attempted is not None and common.on_answer is not None:
                self._tell(common.on_answer, Answered(attempted, None, None, time.monotonic() - started))
            raise
        except TROUBLE as trouble:
            outcome = _connection_error(trouble)
            outcome.message = without_token(outcome.message, self._call.token)
        else:
            assert answer is not None  # noqa: S101 - the driver's side of the contract
            outcome, status = answer, answer.status
            common.server.learn(answer, would_tell=_would_tell(self._call, status))
            if not 200 <= status < 300:
                outcome = self._explained(answer)
        seconds = time.monotonic() - started
        error = None if isinstance(outcome, Answer) else outcome
        if error is not None:
            error.during(request.method, without_secrets(request.target), self._request_id)
        if common.logger.isEnabledFor(DEBUG):
            self._log(error if status is None else status, seconds)
        if attempted is not None and common.on_answer is not None:
            self._tell(common.on_answer, Answered(attempted, status, error, seconds))
        return outcome

    def _explained(self, answer: Answer) -> AstakosClientException:
        error = self._call.explain(answer, self._call.token)
        for secret in (*self._call.secrets, *self._common.secrets):
            error.message = without_token(error.message, secret)
            error.said = error.said and without_token(error.said, secret)
        return error

    def _wait_to_repeat(
        self, error: AstakosClientException
    ) -> Generator[Attempt | Pause, Answer | None, None]:
        """Wait until the next attempt may begin; raise the error if there is to be none."""
        import random  # noqa: PLC0415 - slow to import, and most calls succeed

        common = self._common
        if isinstance(error, QuotaLimit) and error.resource is None:
            common.logger.error("%s; the server's reasons cannot be read", error)
        while True:
            self._failures += 1
            pause = common.retry.again(
                self._failures,
                error,
                method=self._request.method,
                repeatable=self._repeatable or self._may_become_repeatable(),
                remaining=self._deadline - time.monotonic(),
                jitter=random.random(),  # noqa: S311 - spreads load, guards nothing
            )
            if pause is None or not common.allowance.take():
                raise error
            common.logger.warning(
                "%s; repeating it in %.2f s (%d of %d)", error, pause, self._failures, common.retry.count
            )
            if pause:
                yield Pause(pause)
            remaining = self._deadline - time.monotonic()
            if remaining <= 0:
                raise error
            self._timeout = Timeout(total=remaining, connect=common.timeout.connect)
            if common.retry.allows(error, repeatable=False):
                return
            if not self._repeatable:
                yield from self._find_out_whether_repeatable(error)
            if self._repeatable:
                self._may_be_done = True
                return

    def _may_become_repeatable(self) -> bool:
        return bool(self._call.repeatable_with) and not self._common.server.is_known

    def _find_out_whether_repeatable(
        self, error: AstakosClientException
    ) -> Generator[Attempt, Answer | None, None]:
        """Ask the server what it supports; raise the error if that does not help."""
        asking = ask_what_is_supported(self._call.token)
        yield from _Course(self._common, asking, self._timeout, self._deadline)._attempt()  # noqa: SLF001 - of its kind
        if self._common.server.supports(self._call.repeatable_with):
            self._make_repeatable()
        elif self._common.server.is_known:
            raise error

    def _make_repeatable(self) -> None:
        self._repeatable = True
        if self._call.confirm is None:
            # Else a transport that repeats by itself would leave it unknown which of the two had come true.
            self._request = self._request.changed(repeatable=True)

    def _read(self, answer: Answer) -> T:
        try:
            return self._call.read(answer)
        except AstakosClientException as error:
            error.during(self._request.method, without_secrets(self._request.target), self._request_id)
            raise

    def _announce(self) -> Attempted:
        request = self._request
        attempted = Attempted(
            call=self._call.name,
            method=request.method,
            path=without_secrets(f"/{self._call.path}"),
            server=self._common.address.server,
            number=self._failures + 1,
            request_id=self._request_id,
        )
        if self._common.on_attempt is not None:
            self._tell(self._common.on_attempt, attempted)
        return attempted

    def _tell(self, hook: Callable[[E], None], event: E) -> None:
        try:
            hook(event)
        except Exception:
            # The call is done, or will be; it must not be lost since somebody who watches has failed.
            self._common.logger.exception("a hook failed (request %s)", self._request_id)

    def _checked(self, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        good = tuple((name, value) for name, value in headers.items() if is_header(name, value))
        if len(good) < len(headers):
            self._common.logger.error("a header of a hook cannot be sent (request %s)", self._request_id)
        return good

    def _log(self, outcome: object, seconds: float) -> None:
        self._common.logger.debug(
            "%s %s -> %s in %.1f ms (request %s, token %s)",
            self._request.method,
            without_secrets(self._request.target),
            outcome,
            seconds * 1000,
            self._request_id,
            fingerprint(self._call.token),
        )


def _would_tell(call: Call[T], status: int) -> bool:
    return call.path.startswith(COMMISSIONS) and (200 <= status < 300 or status in {404, 413})


def _connection_error(trouble: BaseException) -> AstakosClientException:
    if isinstance(trouble, AstakosClientException):
        return trouble
    error = ConnectionError(trouble)
    error.__cause__ = trouble
    return error
