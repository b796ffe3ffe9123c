"""Chains events by hashes, so that no row can be changed or removed without changing all later hashes."""

import hashlib
import json
from collections.abc import Sequence

START = b"\x00" * 32
"""The hash before the first event."""


def link(previous: bytes, row: Sequence[str | int | None]) -> bytes:
    """Return the hash of an event.

    Args:
        previous: the hash of the event before; `START` for the first.
        row: every stored value of the event but its hash, in the order of the columns.
    """
    text = json.dumps(list(row), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()
