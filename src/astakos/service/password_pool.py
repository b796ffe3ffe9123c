"""Hashes and checks passwords on a few threads: each one takes a tenth of a second and 64 MiB.

Accounts take turns, so that a flood of attempts on one delays the user of another by little. Callers who have
proven something before, such as a browser in which the user has logged in, have places and turns of their
own: a flood from anywhere fills only the others. Callers who have tried wrong passwords before are suspect:
they wait for all others.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from astakos.directory.password_hashes import password_hash, password_matches, password_print
from astakos.ledger.ports import StorageUnavailableError
from astakos.tracing.spans import Span, untraced
from astakos.turns import Turns

THREADS: Final = 2
MOST_WAITING: Final = 64
"""Maximum number of passwords that wait: three seconds of work. As many of known callers wait in addition,
and as many of suspects."""
MOST_OF_ACCOUNT: Final = 4
"""Maximum number of them for one account."""
LONGEST_WAIT_SECONDS: Final = 10.0

T = TypeVar("T")


class PasswordPool:
    """A bounded number of threads with a bounded queue."""

    def __init__(self, span: Span = untraced) -> None:
        """Starts the threads on demand. Each password is a span."""
        self._span = span
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="astakos-passwords")
        self._idle = THREADS
        self._waiting: Turns[asyncio.Future[None]] = Turns()
        self._known: Turns[asyncio.Future[None]] = Turns()
        self._is_turn_of_known = True
        self._suspect: Turns[asyncio.Future[None]] = Turns()
        self._of_nobody: str | None = None

    async def hash(self, account: str, password: str) -> str:
        """Returns the hash of a password, for storage. Whoever may set one is known.

        Raises:
            StorageUnavailableError: Too many passwords wait, or it waited too long.
        """
        with self._span("hash password"):
            return await self._run(account, self._known, lambda: password_hash(password))

    async def print_of(self, account: str, password: str, salt: str) -> str:
        """Returns a hash of a password that is the same for the same salt, to compare what was asked for.

        Raises:
            StorageUnavailableError: Too many passwords wait, or it waited too long.
        """
        with self._span("hash password"):
            return await self._run(account, self._known, lambda: password_print(password, salt))

    async def matches(
        self,
        account: str,
        stored: str | None,
        password: str,
        *,
        is_suspect: bool = False,
        is_known: bool = False,
    ) -> bool:
        """Returns whether a password matches a stored hash. Without a hash, takes as long and returns False.

        Args:
            account: What the password is for.
            stored: The hash.
            password: The password.
            is_suspect: Whether the caller has tried wrong passwords before.
            is_known: Whether the caller has proven before to be the user. Being suspect does not matter then,
                because the limits on attempts allow one browser few.

        Raises:
            StorageUnavailableError: Too many passwords wait, or it waited too long.
        """
        queue = self._known if is_known else self._suspect if is_suspect else self._waiting
        with self._span("check password"):
            return await self._run(account, queue, lambda: self._check(stored, password))

    async def _run(self, account: str, queue: Turns[asyncio.Future[None]], work: Callable[[], T]) -> T:
        if self._idle:
            self._idle -= 1
        else:
            await self._turn_of(account, queue)
        loop = asyncio.get_running_loop()

        def ended(_: "Future[T]") -> None:
            # The loop is closed if the process ends meanwhile.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._give_turn)

        try:
            under_way = self._threads.submit(work)
        except BaseException:
            self._give_turn()
            raise
        # Not when the caller has its answer or has gone: the thread is busy until the work ends.
        under_way.add_done_callback(ended)
        return await asyncio.wrap_future(under_way)

    async def _turn_of(self, account: str, queue: Turns[asyncio.Future[None]]) -> None:
        if len(queue) >= MOST_WAITING or queue.waiting_of(account) >= MOST_OF_ACCOUNT:
            raise _too_many()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        queue.add(account, turn)
        timer = loop.call_later(LONGEST_WAIT_SECONDS, _give_up, turn)
        try:
            await turn
        except BaseException:
            queue.remove(account, turn)
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # The turn came just before the caller went.
                self._give_turn()
            raise
        finally:
            timer.cancel()

    def _give_turn(self) -> None:
        # Known callers do not simply go first: one who floods from an account of their own would keep out all
        # users who come from a new place.
        first = (self._known, self._waiting) if self._is_turn_of_known else (self._waiting, self._known)
        for queue in (*first, self._suspect):
            while queue:
                turn = queue.take()
                if not turn.done():
                    self._is_turn_of_known = queue is not self._known
                    turn.set_result(None)
                    return
        self._idle += 1

    def _check(self, stored: str | None, password: str) -> bool:
        if stored is not None:
            return password_matches(stored, password)
        # The duration must not reveal whether the user exists.
        if self._of_nobody is None:
            self._of_nobody = password_hash("a password that nobody has")
        password_matches(self._of_nobody, password)
        return False

    def close(self) -> None:
        """Stops the threads, and cancels what is queued."""
        self._threads.shutdown(cancel_futures=True)


def _too_many() -> StorageUnavailableError:
    return StorageUnavailableError("too many passwords are being checked")


def _give_up(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_exception(_too_many())
