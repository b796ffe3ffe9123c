"""Ranges of ids that have rows, so that a gap between two ids costs nothing, however large it is."""

from collections.abc import Iterator

from astakos.storage.protocol import Connection


def filled_ranges(connection: Connection, next_id: str, size: int) -> Iterator[tuple[int, int]]:
    """Yields the ranges in which all rows with an id above 0 are, in order.

    Each is told by the id that precedes it, and its last id.

    Args:
        connection: where to read; it may be used between two ranges.
        next_id: the statement that finds the first id after one; it finds null if there is none.
        size: how many ids each range has.
    """
    last = 0
    while (first := connection.execute(next_id, (last,)).fetchone()[0]) is not None:
        last = int(first) - 1 + size
        yield int(first) - 1, last
