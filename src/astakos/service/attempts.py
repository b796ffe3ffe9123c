"""Counts attempts to get in with a secret, so that none is guessed: one count for every way in."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from astakos.directory.attempt_limits import Attempt, Limit
from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.protocol import Connection
from astakos.storage.tables import login_attempts
from astakos.storage.tables.login_attempts import Counted

T = TypeVar("T")


class Storage(Protocol):
    """Where attempts are counted: the database that all processes and hosts share."""

    async def read(self, read: Callable[[Connection], T]) -> T:
        """Reads a few rows."""
        ...

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Runs a change in a transaction of its own."""
        ...


class Attempts:
    """Lets callers try secrets, as often as the limits allow."""

    def __init__(self, storage: Storage, now: Callable[[], int]) -> None:
        """Counts in a database.

        Args:
            storage: The database.
            now: Returns the current time.
        """
        self._storage = storage
        self._now = now

    async def is_right(self, attempt: Attempt, check: Callable[[bool], Awaitable[bool]]) -> bool:
        """Checks a secret. Only what proves wrong counts.

        An attempt counts from its start, because otherwise many could run in parallel. It is uncounted if the
        secret is right, and also if it could not be checked, for example because of overload.

        Args:
            attempt: The attempt.
            check: Checks the secret; is told whether the caller is suspect, and should wait for others.

        Raises:
            TooManyAttemptsError: The attempt exceeds a limit, and nothing was checked.
            StorageUnavailableError: The attempt cannot be counted, or the secret cannot be checked now.
        """
        counted = await self._counted_if_right(attempt, check)
        if counted is not None:
            await self._take_back(counted)
        return counted is not None

    async def change_if_right(
        self,
        attempt: Attempt,
        check: Callable[[bool], Awaitable[bool]],
        change: Callable[[Connection], T],
    ) -> T | None:
        """Checks a secret as `is_right` does. Runs a change in the transaction that uncounts the attempt.

        Returns:
            The result of the change; None if the secret is wrong.

        Raises:
            TooManyAttemptsError: The attempt exceeds a limit, and nothing was checked.
            StorageUnavailableError: The attempt cannot be counted, the secret cannot be checked, or the
                change cannot be made now.
        """
        counted = await self._counted_if_right(attempt, check)
        if counted is None:
            return None
        limits = counted

        def change_and_take_back(connection: Connection) -> T:
            login_attempts.take_back(connection, limits)
            return change(connection)

        return await self._storage.write(change_and_take_back)

    async def _counted_if_right(
        self, attempt: Attempt, check: Callable[[bool], Awaitable[bool]]
    ) -> Sequence[Limit] | None:
        """Returns what to take back because the secret is right; None if it is wrong."""
        counted = await self.count(attempt)
        try:
            is_right = await check(counted.is_suspect)
        except (Exception, asyncio.CancelledError):
            await self._take_back(counted.limits)
            raise
        return counted.limits if is_right else None

    async def count(
        self, attempt: Attempt, change: Callable[[Connection], object] = lambda _: None
    ) -> Counted:
        """Counts an attempt that is wrong, or that counts in any case.

        Args:
            attempt: The attempt.
            change: What is done in the same transaction, if the attempt is allowed: so nobody sees by the
                time that it takes whether it has changed anything.

        Raises:
            TooManyAttemptsError: The attempt exceeds a limit, and is not counted.
            StorageUnavailableError: The attempt cannot be counted.
        """
        # Reading first makes a refusal cheap: it does not wait for other changes of the database.
        await self._storage.read(
            lambda connection: login_attempts.require_allowed(connection, attempt, self._now())
        )

        def count_and_change(connection: Connection) -> Counted:
            counted = login_attempts.count(connection, attempt, self._now())
            change(connection)
            return counted

        return await self._storage.write(count_and_change)

    async def _take_back(self, counted: Sequence[Limit]) -> None:
        # If that fails, the attempt counts for a while, which is better than to fail what was right.
        with contextlib.suppress(StorageUnavailableError):
            await self._storage.write(lambda connection: login_attempts.take_back(connection, counted))
