"""Sets the garbage collector as the service does, in words that revisions of any age know."""

import gc

THRESHOLD = 100_000
"""As `GARBAGE_THRESHOLD` of `astakos.processes.memory`, which earlier revisions have elsewhere."""


def keep_what_is_there() -> None:
    """Spares what has been imported and made so far."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(THRESHOLD)
