"""Hashes and checks passwords on a few threads: each one takes a tenth of a second and 64 MiB."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from astakos.directory.password_hashes import password_hash, password_matches
from astakos.ledger.ports import StorageUnavailableError

THREADS = 2
MOST_WAITING = 32
"""Maximum number of passwords that are running or queued: a few seconds of work."""

P = ParamSpec("P")
T = TypeVar("T")


class PasswordPool:
    """A bounded number of threads with a bounded queue."""

    def __init__(self) -> None:
        """Starts the threads on demand."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="astakos-passwords")
        self._waiting = 0
        self._of_nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Returns the hash of a password, for storage.

        Raises:
            StorageUnavailableError: The queue is full.
        """
        return await self._run(password_hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Returns whether a password matches a stored hash. Without a hash, takes as long and returns False.

        Raises:
            StorageUnavailableError: The queue is full.
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
        # The duration must not reveal whether the user exists.
        if self._of_nobody is None:
            self._of_nobody = password_hash("a password that nobody has")
        password_matches(self._of_nobody, password)
        return False

    def close(self) -> None:
        """Stops the threads, and cancels what is queued."""
        self._threads.shutdown(cancel_futures=True)
