"""Checking passwords: on a few threads, since each takes a tenth of a second and 64 MiB."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from astakos.directory.passwords import password_hash, password_matches
from astakos.http.faults import ServiceUnavailable

THREADS = 2
MOST_WAITING = 32
"""How many may wait for one of them; who would wait longer is told to come again."""


class PasswordChecks:
    """A bounded number of checks at once."""

    def __init__(self) -> None:
        """Begin the threads when they are needed."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="astakos-passwords")
        self._under_way = 0
        self._of_nobody: str | None = None

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one of a stored hash; where there is none, no, after as long a time.

        Raises:
            ServiceUnavailable: too many are being checked.
        """
        if self._under_way >= THREADS + MOST_WAITING:
            raise ServiceUnavailable("Too many passwords are being checked; try again soon.")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._check, stored, password
            )
        finally:
            self._under_way -= 1

    def _check(self, stored: str | None, password: str) -> bool:
        if stored is not None:
            return password_matches(stored, password)
        # How long it takes must not tell whether there is such a user.
        if self._of_nobody is None:
            self._of_nobody = password_hash("a password that nobody has")
        password_matches(self._of_nobody, password)
        return False

    def close(self) -> None:
        """End the threads; no check is waited for any more."""
        self._threads.shutdown(cancel_futures=True)
