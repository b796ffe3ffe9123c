"""Reads amounts as people write them, in the words of `numbers.py`: `20`, `1.5 GiB`, `2 M`, `unlimited`."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from astakos.ledger.rules import UNLIMITED
from astakos.pages.numbers import BINARY_UNITS, BYTES, LARGE, UNLIMITED_WORD, exact, short

LONGEST: Final = 40
AMOUNT: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([a-z]*)", re.ASCII)
SPACES: Final = re.compile(r"[\s,_]")
OF_BYTES: Final[Mapping[str, int]] = {
    name: 1024**power
    for power, unit in enumerate(BINARY_UNITS[1:], 1)
    for name in (unit.lower(), unit[0].lower())
}
OF_OTHERS: Final[Mapping[str, int]] = {"k": 10**3, **{word.lower(): size for size, word in LARGE}}


class TooLargeError(ValueError):
    """An amount is as large as no limit, or larger."""

    def __init__(self) -> None:
        """Says what to write in its place."""
        super().__init__(f"This is too large. Write “{UNLIMITED_WORD}” for no limit.")


def read_amount(text: str, unit: str | None = None, scale: int = 0) -> int:
    """Returns the quantity that a text means.

    Args:
        text: The text; case, spaces and commas do not matter.
        unit: The unit of the resource, which may stand behind the amount.
        scale: How many digits after the point amounts of the resource have.

    Raises:
        TooLargeError: It is too large.
        ValueError: It means none. The message says what would be right.
    """
    given = text.strip().lower()
    if given == UNLIMITED_WORD:
        return UNLIMITED
    is_bytes = unit == BYTES and scale == 0
    if unit and given.endswith(unit.lower()):
        given = given.removesuffix(unit.lower())
    if len(given) > LONGEST and SPACES.sub("", given).isdigit():
        raise TooLargeError
    found = AMOUNT.fullmatch(SPACES.sub("", given)) if len(given) <= LONGEST else None
    sizes = OF_BYTES if is_bytes else OF_OTHERS
    if found is None or (found[2] and found[2] not in sizes):
        example = "10 GiB" if is_bytes else "20 or 1.5 M"
        raise ValueError(f"Write an amount such as {example}, or “{UNLIMITED_WORD}”.")
    amount = Decimal(found[1]) * sizes.get(found[2], 1) * 10**scale
    quantity = int(amount)
    if quantity != amount:
        raise ValueError(
            f"Write at most {scale} digits after the point." if scale else "Write a whole number."
        )
    if quantity >= UNLIMITED:
        raise TooLargeError
    return quantity


def written(quantity: int, unit: str | None = None, scale: int = 0) -> str:
    """Returns a quantity as `read_amount` reads it: short where that says all."""
    text = short(quantity, unit, scale)
    try:
        is_exact = read_amount(text, unit, scale) == quantity
    except ValueError:
        is_exact = False
    return text if is_exact else exact(quantity, unit, scale)
