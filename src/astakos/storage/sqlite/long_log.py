"""Lets the write-ahead log begin anew, even if long reads overlap all the time.

SQLite begins the log anew when all of it is in the file and nobody reads from it. A long read holds that up
until it ends. If another one has always begun meanwhile, however short each is, the log fills the disk.
"""

import math
import time
from pathlib import Path
from typing import Final

from astakos.storage.sqlite.log_state import log_state

LONGEST_LOG_PAGES: Final = 16_384
"""64 MiB of usual pages. Reads from a longer log are slow as well."""
PATIENCE_SECONDS: Final = 5.0
"""How long a read waits at most: longer than most long reads take."""
RESTING_SECONDS: Final = 60.0
"""How long no read of this process waits after one has waited in vain: a backup or a dump holds up the log
for minutes."""
BETWEEN_LOOKS_SECONDS: Final = 0.01

_resting_until: dict[Path, float] = {}
"""For each file that this process works on, which is one or two."""


def let_it_begin_anew(path: Path) -> None:
    """Waits, before a long read of a database file begins, while those before it hold up a log that is long.

    In all processes, no other long read begins meanwhile, so that those that run come to an end. Then the
    next commits of the ledger copy the log and begin it anew. If there are none, nothing is gained by
    waiting, and the read begins after `PATIENCE_SECONDS`; the next ones then begin at once for a while.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while (now := time.monotonic()) >= _resting_until.get(path, -math.inf) and _is_held_up(path):
        if now >= end:
            _resting_until[path] = now + RESTING_SECONDS
            return
        time.sleep(BETWEEN_LOOKS_SECONDS)


def _is_held_up(path: Path) -> bool:
    state = log_state(path)
    # Whoever begins to read when all of it is in the file reads nothing from it.
    return state is not None and state.length > LONGEST_LOG_PAGES and state.waiting > 0
