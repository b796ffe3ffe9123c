"""Thresholds as people write them: `50, 80, 100`, `none`, or nothing for the usual ones."""

from collections.abc import Sequence
from typing import Final

from astakos.ledger.alerts import refuse_thresholds

NONE: Final = "none"
LONGEST: Final = 100


def read_thresholds(text: str) -> list[int] | None:
    """Returns the percentages that a text means; None for the usual ones.

    Raises:
        ValueError: It means none. The message says what would be right.
    """
    given = text.strip().lower()
    if not given:
        return None
    if given == NONE:
        return []
    parts = [part.strip().removesuffix("%").strip() for part in given.split(",")]
    if len(given) > LONGEST or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"write percentages such as 50, 80, 100, or “{NONE}”")
    percents = [int(part) for part in parts]
    refusal = refuse_thresholds(percents)
    if refusal is not None:
        raise ValueError(refusal)
    return percents


def written_thresholds(percents: Sequence[int] | None) -> str:
    """Returns thresholds as `read_thresholds` reads them."""
    if percents is None:
        return ""
    return ", ".join(map(str, percents)) if percents else NONE
