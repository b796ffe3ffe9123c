"""Deletes keys that expired long ago; until then, their users still see them in lists."""

import contextlib
from collections.abc import Callable

from astakos.administration.key_changes import EXPIRED_KEPT
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import api_keys


def forget_expired_keys(database: Database, now: int, is_stopped: Callable[[], bool] = lambda: False) -> int:
    """Deletes the keys that expired longer ago than they are kept; returns how many there were.

    Args:
        database: the database; it need not be open for reading on this thread.
        now: the current instant, by a clock that is known to be right.
        is_stopped: asked between two transactions; whether to leave the others for later. May wait, to let
            other writers have their turn.

    Raises:
        StorageUnavailableError: the database cannot be read or written now. What is done stays done.
    """
    before, forgotten = now - EXPIRED_KEPT, 0
    with contextlib.closing(database.connect()) as connection:
        # Looking first spares the lock for writing, once a minute.
        while api_keys.has_expired(connection, before):

            def forget(connection: Connection) -> int:
                return api_keys.forget_expired(connection, before)

            deleted = database.change(forget)
            forgotten += deleted
            if not deleted or is_stopped():
                break
    return forgotten
