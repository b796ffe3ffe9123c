"""Checks the secrets that requests carry, within the limits on attempts (`directory/attempt_limits.py`)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from astakos.clock import MICROSECONDS
from astakos.directory.attempt_limits import Attempt, TooManyAttemptsError
from astakos.http.faults import TooMany, TooManyAttempts
from astakos.http.forwarding import caller_address
from astakos.http.request import Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection

T = TypeVar("T")


async def is_right(
    service: Service,
    request: Request,
    account: str,
    check: Callable[[bool], Awaitable[bool]],
    browser: str | None = None,
) -> bool:
    """Checks a secret. Counts the attempt if it proves wrong.

    Args:
        service: The service.
        request: The request that carries the secret.
        account: What the secret is for; see `user_account` and the like.
        check: Checks it; is told whether the caller is suspect, and should wait for others.
        browser: The secret of the browser, if the user has logged in from it before.

    Raises:
        TooManyAttempts: The attempt exceeds a limit, and nothing was checked.
    """
    attempt = Attempt(account, caller_address(service.proxies, request), browser)
    try:
        return await service.attempts.is_right(attempt, check)
    except TooManyAttemptsError as error:
        raise too_many(service, error) from error


async def change_if_right(
    service: Service,
    request: Request,
    account: str,
    check: Callable[[bool], Awaitable[bool]],
    change: Callable[[Connection], T],
    browser: str | None = None,
) -> T | None:
    """Checks a secret as `is_right` does. If it is right, runs a change.

    Returns the result of the change, or None if the secret is wrong. This is one transaction less than to
    make it afterwards.

    Raises:
        TooManyAttempts: The attempt exceeds a limit, and nothing was checked.
    """
    attempt = Attempt(account, caller_address(service.proxies, request), browser)
    try:
        return await service.attempts.change_if_right(attempt, check, change)
    except TooManyAttemptsError as error:
        raise too_many(service, error) from error


async def count_wrong(service: Service, request: Request, account: str) -> None:
    """Counts a secret that has proved wrong.

    For secrets that cannot be guessed, such as tokens: the right one is accepted however often others try.

    Raises:
        TooManyAttempts: The attempt exceeds a limit.
    """
    try:
        await service.attempts.count(Attempt(account, caller_address(service.proxies, request)))
    except TooManyAttemptsError as error:
        raise too_many(service, error) from error


def too_many(
    service: Service, error: TooManyAttemptsError, fault: type[TooMany] = TooManyAttempts
) -> TooMany:
    """Returns the fault that says for how long to wait."""
    microseconds = error.again - service.now()
    return fault(max(1, -(-microseconds // MICROSECONDS)))
