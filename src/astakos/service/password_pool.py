"""Hashing and checking passwords: on a few threads, since each takes a tenth of a second and 64 MiB."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from astakos.directory.password_hashes import password_hash, password_matches
from astakos.ledger.ports import StorageUnavailableError

THREADS = 2
MOST_WAITING = 32
"""How many passwords may be worked on or wait at once: some seconds' worth."""

P = ParamSpec("P")
T = TypeVar("T")


class PasswordPool:
    """A bounded number of threads for a bounded number of passwords."""

    def __init__(self) -> None:
        """Begin the threads when they are needed."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="astakos-passwords")
        self._waiting = 0
        self._of_nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The text to store for a password.

        Raises:
            StorageUnavailableError: too many are waiting.
        """
        return await self._run(password_hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one of a stored hash; where there is none, no, after as long a time.

        Raises:
            StorageUnavailableError: too many are waiting.
        """
        return await self._run(self._check, stored, password)

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._waiting >= MOST_WAITING:
            raise StorageUnavailableError("too many passwords are being checked")
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._threads.submit(work, *args, **kwargs))
        finally:
            self._waiting -= 1

    def _check(self, stored: str | None, password: str) -> bool:
        if stored is not None:
            return password_matches(stored, password)
        # How long it takes must not tell whether there is such a user.
        if self._of_nobody is None:
            self._of_nobody = password_hash("a password that nobody has")
        password_matches(self._of_nobody, password)
        return False

    def close(self) -> None:
        """End the threads; nothing is waited for any more."""
        self._threads.shutdown(cancel_futures=True)
