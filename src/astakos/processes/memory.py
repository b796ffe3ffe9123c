"""Memory of a process of the service: what is not searched for garbage, and what goes back to the system."""

import functools
import gc
import threading
import time
from collections.abc import Callable

GARBAGE_THRESHOLD = 100_000
"""Number of new objects after which the garbage collector looks for cycles."""
PERIOD_SECONDS = 60.0
"""How long free memory may stay with the process."""


def keep_what_is_there() -> None:
    """Makes the garbage collector ignore all existing objects.

    Imported modules stay for good. Scanning them repeatedly costs 5% of the throughput under load. From here
    on it looks for garbage, also if it was off while modules were imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    gc.enable()


def keep_giving_back() -> None:
    """Starts a thread that gives free memory back to the system, once a minute.

    Requests run on several threads, and glibc keeps what each of them has freed for that thread: after an
    hour of mixed load, a third of a worker's memory was free. With this, a process that grows leaks.
    """
    give_back = _trimming()
    if give_back is not None:
        threading.Thread(target=_give_back_regularly, args=(give_back,), daemon=True).start()


def _give_back_regularly(give_back: Callable[[], object]) -> None:
    while True:
        time.sleep(PERIOD_SECONDS)
        give_back()


def _trimming() -> Callable[[], object] | None:
    """What gives free memory back; None if the C library, such as musl or that of macOS, has no such call."""
    try:
        # Some systems do not let it be imported: it makes memory that can be written and executed.
        import ctypes  # noqa: PLC0415

        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, ImportError, MemoryError, OSError, TypeError):
        return None
    trim.argtypes = [ctypes.c_size_t]
    return functools.partial(trim, 0)
