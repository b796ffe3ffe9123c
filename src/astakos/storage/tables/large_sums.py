"""Sums of figures, which can be larger than what SQLite's sum() can hold: forced figures have no bound."""

from decimal import Decimal

BITS = 32

Half = int | Decimal | None
"""What a database returns as a sum; None if there was nothing to add."""


def halves(column: str) -> str:
    """Returns the two columns of a statement whose sums `whole` adds up."""
    return f"SUM({column} >> {BITS}), SUM({column} & {2**BITS - 1})"


def whole(high: Half, low: Half) -> int:
    """Returns the sum of which a statement has returned both halves."""
    return (int(high or 0) << BITS) + int(low or 0)
