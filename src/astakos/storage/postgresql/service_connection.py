"""Connects within a deadline where libpq finds the hosts by itself, in its service file or in a directory.

libpq resolves them before it begins to count its timeout, and nothing interrupts that. So it connects on a
thread, which a caller whose time is over leaves behind. What such a thread still opens is closed at once.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import psycopg

from astakosclient.http1.name_lookups import UnresolvedInTimeError, begin

WHAT = "the hosts of libpq's service"

Connected = TypeVar("Connected", bound=psycopg.Connection[Any])


def connect_in_time(connect: Callable[[], Connected], seconds: float) -> Connected:
    """Returns what `connect` returns.

    Args:
        connect: opens a connection.
        seconds: how long it may take.

    Raises:
        psycopg.OperationalError: it took longer, or too many others take long as well.
    """
    try:
        # Nobody can share a connection, so nobody joins this lookup.
        lookup = begin(object(), WHAT, connect)
    except OSError as error:
        raise psycopg.OperationalError(str(error)) from error
    try:
        return lookup.result(seconds)
    except UnresolvedInTimeError as error:
        lookup.answer.add_done_callback(_close)
        raise psycopg.OperationalError(str(error)) from None


def _close(answer: Future[Connected]) -> None:
    if answer.exception() is None:
        answer.result().close()
