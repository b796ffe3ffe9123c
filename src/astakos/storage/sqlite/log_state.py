"""How much of the write-ahead log waits to be copied into the database file, for monitoring.

A read that takes long holds this back: the log grows until the read ends. The numbers are in the header of
the shared-memory file beside the database (https://www.sqlite.org/walformat.html, section 2.1).
"""

import struct
from pathlib import Path
from typing import NamedTuple

from astakos.storage.sqlite.file_identity import log_of

SHARED_SUFFIX = "-shm"
HEADER = struct.Struct("=16xI76xI")
"""The last valid page of the log (at 16), and how many pages have been copied (at 96)."""


class LogState(NamedTuple):
    """The state of the log.

    Attributes:
        size: the size of the file in bytes.
        waiting: the number of pages that have not been copied into the database file.
    """

    size: int
    waiting: int


def log_state(path: Path) -> LogState | None:
    """Return the state of the log of a database file; None if nobody has the database open."""
    try:
        with path.with_name(path.name + SHARED_SUFFIX).open("rb") as shared:
            header = shared.read(HEADER.size)
        size = log_of(path).stat().st_size
    except FileNotFoundError:
        return None
    if len(header) < HEADER.size:
        return None
    last, copied = HEADER.unpack(header)
    return LogState(size, max(last - copied, 0))
