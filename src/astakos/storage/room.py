"""How large a database is, and how much room there is for it, where that can be known."""

import shutil
from typing import NamedTuple

from astakos.storage.protocol import Database
from astakos.storage.sqlite.log_state import log_state
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase

PERCENT = 100


class Room(NamedTuple):
    """The size of an SQLite file and of its log, and of the disk that it is on, in bytes."""

    size: int
    log_size: int
    free: int
    disk: int

    @property
    def percent_free(self) -> int:
        """Returns how many percent of the disk are free."""
        return self.free * PERCENT // max(1, self.disk)


def room_of(database: Database) -> Room | None:
    """Returns the room of an SQLite file; None for a database server, which has a disk of its own."""
    if not isinstance(database, SQLiteDatabase):
        return None
    try:
        size = database.path.stat().st_size
        disk = shutil.disk_usage(database.path.parent)
    except OSError:
        return None
    log = log_state(database.path)
    return Room(size, log.size if log else 0, disk.free, disk.total)
