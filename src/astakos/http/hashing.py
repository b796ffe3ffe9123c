"""Passwords are hashed on a few threads, since it is slow on purpose, and takes much memory."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from astakos.directory.passwords import password_hash
from astakos.http.faults import ServiceUnavailable

THREADS = 2
MOST_WAITING = 32
"""How many passwords may be waited for at once: some seconds' worth."""


class HashingThreads:
    """A bounded number of threads for a bounded number of passwords."""

    def __init__(self) -> None:
        """Begin the threads when they are needed."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="astakos-hashing")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """The text to store for a password.

        Raises:
            ServiceUnavailable: too many are waiting.
        """
        if self._waiting >= MOST_WAITING:
            raise ServiceUnavailable("Too many passwords are being worked on; try again.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, password_hash, password)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)
