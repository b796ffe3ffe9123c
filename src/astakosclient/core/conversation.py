"""The life of a call as a generator: send, check the response, back off, retry, decode.

The generator does no I/O. It yields an `Attempt` or a `Pause`; the driver performs it and sends back the
response or throws the exception. The synchronous and asynchronous clients share all logic and differ only
in their drivers.
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
from astakosclient.core.redaction import fingerprint, redact, without_secrets
from astakosclient.core.server_knowledge import Server
from astakosclient.errors import (
    LONGEST_QUOTATION,
    NOT_CARRIED_OUT,
    UNKNOWN,
    AstakosClientException,
    BadValue,
    ConnectionError,  # noqa: A004 - the documented name
    InvalidResponse,
    NotFound,
    QuotaLimit,
)
from astakosclient.events import Answered, Attempted
from astakosclient.retry import BUSY, Allowance

if TYPE_CHECKING:
    import logging

    from astakosclient.core.address import Address
    from astakosclient.retry import Retry

T = TypeVar("T")
E = TypeVar("E")

DEBUG = 10
"""Equals `logging.DEBUG`; not imported from `logging`, to keep `import astakosclient` fast."""

TROUBLE = (AstakosClientException, OSError)
"""Exceptions a transport may raise. An `OSError` is treated as a connection lost after sending."""

COMMON_HEADERS = (("User-Agent", "astakosclient"), ("Accept", "application/json"))


class Attempt(NamedTuple):
    """Tells the driver to send a request, then to send back the response or throw one of `TROUBLE`."""

    request: Request
    timeout: Timeout


class Pause(NamedTuple):
    """Tells the driver to sleep for some seconds, then to send None."""

    seconds: float


Conversation = Generator[Attempt | Pause, Answer | None, T]


class Conversations:
    """The settings and state that all calls of a client share.

    Attributes:
        address: base URL of the service.
        retry: the retry policy.
        timeout: the time limits of each call.
        logger: logs each attempt at debug level and each retry as a warning, without secrets.
        headers: headers sent with every request.
        secrets: values to redact if the server repeats them.
        locate: maps the path of a call to its path below the address; None uses paths unchanged.
        on_attempt, on_answer: hooks called before and after each attempt.
        server: the protocol extensions that the server is known to support.
        allowance: the retries left in the budget.
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
        """Starts with a full retry budget and nothing known about the server.

        Raises:
            BadValue: a hook cannot be called.
        """
        for name, hook in (("on_attempt", on_attempt), ("on_answer", on_answer)):
            if hook is not None and not callable(hook):
                raise BadValue(f"{name} must be a function, not {type(hook).__name__}")
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
        """Returns a copy with other options.

        The copy shares what is known about the server, and the retry budget unless the policy changes.
        """
        other = copy.copy(self)
        other.timeout = timeout or self.timeout
        other.logger = logger or self.logger
        if retry is not None and retry != self.retry:
            other.retry = retry
            other.allowance = Allowance(retry.budget)
        return other

    def hold(self, call: Call[T] | Parts[T]) -> Conversation[T]:
        """Returns a generator that runs the call; its return value is the result of the call.

        Raises:
            BadValue: the call cannot be sent. Calls in `Parts` raise it from the first ``next()`` instead.
        """
        deadline = time.monotonic() + self.timeout.total
        if isinstance(call, Parts):
            return self._hold_all(call, deadline)
        return _Execution(self, call, self.timeout, deadline).run()

    def _hold_all(self, parts: Parts[T], deadline: float) -> Conversation[T]:
        results = []
        for part in parts.calls:
            # Timeout rejects 0 with BadValue; with 1 ms left, the attempt fails with ConnectionError instead.
            timeout = Timeout(max(0.001, deadline - time.monotonic()), self.timeout.connect)
            result = yield from _Execution(self, part, timeout, deadline).run()
            results.append(result)
        return parts.join(results)


class _Execution(Generic[T]):
    """Runs one call, from the first attempt to the result."""

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
        """Makes attempts until one succeeds or the retry policy gives up."""
        while True:
            outcome = yield from self._attempt()
            if isinstance(outcome, Answer):
                self._common.allowance.give_back()
                return self._read(outcome)
            if self._call.confirm is not None and self._may_be_done and isinstance(outcome, NotFound):
                # An earlier attempt may have taken effect before its response was lost.
                confirmation = _Execution(self._common, self._call.confirm, self._timeout, self._deadline)
                if (yield from confirmation.run()):
                    return self._read(Answer(200))
            if self._may_be_done:
                _doubt(outcome)
            if not (yield from self._is_due_again(outcome)):
                outcome.outcome = _outcome(outcome, may_be_done=self._may_be_done)
                try:
                    raise outcome
                finally:
                    # Its traceback leads to this frame. In a cycle, it would wait for the garbage collector.
                    del outcome

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
            outcome = yield from self._answered(request)
        except GeneratorExit:
            if attempted is not None and common.on_answer is not None:
                self._tell(common.on_answer, Answered(attempted, None, None, time.monotonic() - started))
            raise
        if isinstance(outcome, Answer):
            answer, status = outcome, outcome.status
            # A transport resends only what is repeatable, so that a confirmation is not at stake.
            self._may_be_done = self._may_be_done or answer.resent
            common.server.learn(answer, would_tell=_would_tell(self._call, status))
            if not 200 <= status < 300:
                outcome = self._call.explain(answer)
        seconds = time.monotonic() - started
        error = None if isinstance(outcome, Answer) else outcome
        if error is not None:
            self._complete(error, request)
        if common.logger.isEnabledFor(DEBUG):
            self._log(error if status is None else status, seconds)
        if attempted is not None and common.on_answer is not None:
            self._tell(common.on_answer, Answered(attempted, status, error, seconds))
        return outcome

    def _answered(
        self, request: Request
    ) -> Generator[Attempt, Answer | None, Answer | AstakosClientException]:
        """Returns what a request ends in. An exception's traceback must not lead to where that is kept."""
        try:
            answer = yield Attempt(request, self._timeout)
        except TROUBLE as trouble:
            return _connection_error(trouble)
        assert answer is not None  # noqa: S101 - the driver's side of the contract
        return answer

    def _is_due_again(self, error: AstakosClientException) -> Generator[Attempt | Pause, Answer | None, bool]:
        """Waits until the next attempt is due; returns false if there is none."""
        import random  # noqa: PLC0415 - slow to import, and most calls succeed

        common = self._common
        if isinstance(error, QuotaLimit) and error.resource is None:
            common.logger.error("%s; cannot parse the limit and usage in the response", error)
        while True:
            self._failures += 1
            pause = common.retry.again(
                self._failures,
                error,
                method=self._request.method,
                repeatable=self._repeatable or self._may_become_repeatable(),
                remaining=self._deadline - time.monotonic(),
                jitter=random.random(),  # noqa: S311 - spreads load, no security
            )
            if pause is None or not common.allowance.take():
                return False
            common.logger.warning(
                "%s; retrying in %.2f s (retry %d of %d)", error, pause, self._failures, common.retry.count
            )
            if pause:
                yield Pause(pause)
            remaining = self._deadline - time.monotonic()
            if remaining <= 0:
                return False
            self._timeout = Timeout(total=remaining, connect=common.timeout.connect)
            if common.retry.allows(error, repeatable=False):
                return True
            if not self._repeatable:
                yield from self._find_out_whether_repeatable()
                if not self._repeatable and common.server.is_known:
                    return False
            if self._repeatable:
                self._may_be_done = True
                return True

    def _may_become_repeatable(self) -> bool:
        return bool(self._call.repeatable_with) and not self._common.server.is_known

    def _find_out_whether_repeatable(self) -> Generator[Attempt, Answer | None, None]:
        """Asks the server which extensions it supports."""
        asking = ask_what_is_supported(self._call.token)
        yield from _Execution(self._common, asking, self._timeout, self._deadline)._attempt()  # noqa: SLF001 - own class
        if self._common.server.supports(self._call.repeatable_with):
            self._make_repeatable()

    def _make_repeatable(self) -> None:
        self._repeatable = True
        if self._call.confirm is None:
            # With a confirm call, the transport must not resend on its own: the 404 for the second copy
            # would look like an unknown serial, and `_may_be_done` would not be set.
            self._request = self._request.changed(repeatable=True)

    def _read(self, answer: Answer) -> T:
        try:
            return self._call.read(answer)
        except AstakosClientException as error:
            self._complete(error, self._request)
            if isinstance(error, InvalidResponse):
                error.outcome = UNKNOWN
            raise

    def _complete(self, error: AstakosClientException, request: Request) -> None:
        """Records which request failed, and redacts what the server repeated of its secrets."""
        redact(error, (self._call.token, *self._call.secrets, *self._common.secrets))
        error.during(request.method, without_secrets(request.target), self._request_id)

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
            # A broken hook must not fail the call.
            self._common.logger.exception("a hook raised an exception (request %s)", self._request_id)

    def _checked(self, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        good = tuple((name, value) for name, value in headers.items() if is_header(name, value))
        if len(good) < len(headers):
            self._common.logger.error("ignored an invalid header of a hook (request %s)", self._request_id)
        return good

    def _log(self, outcome: object, seconds: float) -> None:
        self._common.logger.debug(
            "%s %s -> %s in %.1f ms (request %s, token %s)",
            self._request.method,
            without_secrets(self._request.target)[:LONGEST_QUOTATION],
            outcome,
            seconds * 1000,
            self._request_id,
            fingerprint(self._call.token),
        )


def _would_tell(call: Call[T], status: int) -> bool:
    return call.path.startswith(COMMISSIONS) and (200 <= status < 300 or status in {404, 413})


def _doubt(error: AstakosClientException) -> None:
    """Withdraws what an exception says about the call: it speaks of the last copy of the request only."""
    if error.outcome == NOT_CARRIED_OUT or error.status == BUSY:
        error.outcome = UNKNOWN
    if isinstance(error, ConnectionError):
        error.sent = True


def _outcome(error: AstakosClientException, *, may_be_done: bool) -> str:
    """Returns what became of a call that failed, of which an earlier copy may have been carried out."""
    if error.outcome is not None and not may_be_done:
        return error.outcome
    refused = not error.sent if isinstance(error, ConnectionError) else 300 <= error.status < 500
    return NOT_CARRIED_OUT if refused and not may_be_done else UNKNOWN


def _connection_error(trouble: BaseException) -> AstakosClientException:
    if isinstance(trouble, AstakosClientException):
        return trouble
    error = ConnectionError(trouble)
    error.__cause__ = trouble
    return error
