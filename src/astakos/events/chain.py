"""Chains events by hashes, so that no row can be changed or removed without changing all later hashes."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

START = b"\x00" * 32
"""The hash before the first event."""


class Head(NamedTuple):
    """The end of a chain, to be kept where nobody who can write the database can write.

    Attributes:
        number: of the last event; 0 if there is none.
        time: its instant; None if there is none.
        hash: its hash, which depends on every event up to it.
    """

    number: int
    time: int | None
    hash: bytes


EMPTY = Head(0, None, START)


class BrokenChainError(Exception):
    """Events were changed, removed or added; the message says where.

    Attributes:
        number: of the first event that is not as it was recorded.
    """

    def __init__(self, number: int, reason: str) -> None:
        """Sets the number and the reason."""
        super().__init__(reason)
        self.number = number


def link(previous: bytes, row: Sequence[str | int | None]) -> bytes:
    """Returns the hash of an event.

    Args:
        previous: the hash of the event before; `START` for the first.
        row: every stored value of the event but its hash, in the order of the columns.
    """
    text = json.dumps(list(row), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()


def follow(rows: Iterable[Sequence[Any]], known: Mapping[int, bytes]) -> Head:
    """Checks a whole chain, holding one event at a time; returns its head.

    Args:
        rows: the stored values of all events, in order; the hash comes last.
        known: hashes by number, from heads that were exported before.

    Raises:
        BrokenChainError: an event is missing, or differs from what was recorded.
    """
    head = EMPTY
    for *values, stored in rows:
        number = head.number + 1
        if values[0] != number:
            raise BrokenChainError(number, f"event {number} is missing: event {values[0]} comes next")
        found = link(head.hash, values)
        if found != bytes(stored):
            raise BrokenChainError(
                number, f"event {number} was changed: its hash does not follow from its contents"
            )
        if found != known.get(number, found):
            raise BrokenChainError(
                number,
                f"event {number} or an earlier one was changed: its hash is not that of the head",
            )
        head = Head(number, values[1], found)
    latest = max(known, default=0)
    if latest > head.number:
        raise BrokenChainError(
            head.number + 1, f"event {head.number + 1} is missing: the head is event {latest}"
        )
    return head
