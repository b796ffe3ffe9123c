"""How much of the write-ahead log waits to be copied into the database file, for monitoring.

A read that takes long holds this back: the log grows until the read ends. The numbers are in the header of
the shared-memory file beside the database (https://www.sqlite.org/walformat.html, section 2.1).
"""

import os
import struct
import threading
from pathlib import Path
from typing import NamedTuple

from astakos.storage.sqlite.file_identity import FileIdentity, identity_of, log_of

SHARED_SUFFIX = "-shm"
HEADER = struct.Struct("=16xI76xI")
"""The last valid page of the log (at 16), and how many pages have been copied (at 96)."""


class LogState(NamedTuple):
    """The state of the log.

    Attributes:
        size: the size of the file in bytes.
        waiting: the number of pages that have not been copied into the database file.
        length: the number of pages that have been written since it began anew.
    """

    size: int
    waiting: int
    length: int


def log_state(path: Path) -> LogState | None:
    """Returns the state of the log of a database file; None if nobody has the database open."""
    try:
        header = os.pread(_kept_open(path.with_name(path.name + SHARED_SUFFIX)), HEADER.size, 0)
        size = log_of(path).stat().st_size
    except FileNotFoundError:
        return None
    if len(header) < HEADER.size:
        return None
    last, copied = HEADER.unpack(header)
    return LogState(size, max(last - copied, 0), last)


_kept: dict[Path, int] = {}
_keeping = threading.Lock()


def _kept_open(shared: Path) -> int:
    """Returns a descriptor of a shared-memory file, which stays open as long as there is the file.

    Closing it would end all locks that SQLite holds on the file in this process, whose connections would then
    write into the transactions of others: https://www.sqlite.org/howtocorrupt.html, section 2.2.
    """
    with _keeping:
        found = identity_of(shared)
        descriptor = _kept.get(shared)
        if descriptor is not None and found == _identity_of_open(descriptor):
            return descriptor
        for deleted in [one for one, kept in _kept.items() if not os.fstat(kept).st_nlink]:
            # SQLite deletes it with the last connection, so that nobody has locks on it.
            os.close(_kept.pop(deleted))
        _kept[shared] = os.open(shared, os.O_RDONLY | os.O_CLOEXEC)
        return _kept[shared]


def _identity_of_open(descriptor: int) -> FileIdentity:
    found = os.fstat(descriptor)
    return FileIdentity(found.st_dev, found.st_ino)
