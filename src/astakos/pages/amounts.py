"""Reads amounts as people write them, in the number style that they have chosen, and writes them like that.

The words are those of `numbers.py`: `20`, `1.5 GiB`, `2 M`, `unlimited`. What two readers could take for two
amounts is refused, not guessed.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Final

from astakos.ledger.rules import UNLIMITED
from astakos.pages.numbers import BINARY_UNITS, BYTES, LARGE, UNLIMITED_WORD, exact, short
from astakos.pages.preferences import NUMBER_STYLES, Preferences

LONGEST: Final = 40
GROUPS: Final = " '_\N{NO-BREAK SPACE}\N{THIN SPACE}\N{NARROW NO-BREAK SPACE}\N{RIGHT SINGLE QUOTATION MARK}"
"""What stands between thousands besides what the style says: it cannot be a point in any style."""
OF_BYTES: Final[Mapping[str, int]] = {
    name: 1024**power
    for power, unit in enumerate(BINARY_UNITS[1:], 1)
    for name in (unit.lower(), unit[0].lower())
}
OF_OTHERS: Final[Mapping[str, int]] = {"k": 10**3, **{word.lower(): size for size, word in LARGE}}
THOUSANDS: Final = "1,250,000"


class TooLargeError(ValueError):
    """An amount is as large as no limit, or larger."""

    def __init__(self) -> None:
        """Says what to write in its place."""
        super().__init__(f"This is too large. Write “{UNLIMITED_WORD}” for no limit.")


def read_amount(text: str, preferences: Preferences, unit: str | None = None, scale: int = 0) -> int:
    """Returns the quantity that a text means.

    Args:
        text: The text; case does not matter.
        preferences: Those of whoever has written it: what stands between thousands, and before a fraction.
        unit: The unit of the resource, which may stand behind the amount.
        scale: How many digits after the point amounts of the resource have.

    Raises:
        TooLargeError: It is too large.
        ValueError: It means none, or could mean two. The message says what would be right.
    """
    given = text.strip().lower()
    if given == UNLIMITED_WORD:
        return UNLIMITED
    is_bytes = unit == BYTES and scale == 0
    if unit and given.endswith(unit.lower()):
        given = given.removesuffix(unit.lower()).rstrip()
    found = _pattern(preferences.numbers).fullmatch(given)
    if len(given) > LONGEST:
        if found is not None and not found["fraction"]:
            raise TooLargeError
        found = None
    sizes = OF_BYTES if is_bytes else OF_OTHERS
    if found is None or (found["size"] and found["size"] not in sizes):
        example = "10 GiB" if is_bytes else f"20 or {preferences.in_style('1.5 M')}"
        raise ValueError(
            f"Write an amount such as {example}, and thousands like {preferences.in_style(THOUSANDS)}, "
            f"or “{UNLIMITED_WORD}”."
        )
    whole, fraction = re.sub(r"[^0-9]", "", found["whole"]), found["fraction"] or ""
    if not found["size"] and len(fraction) > scale:
        raise ValueError(_too_exact(preferences, scale))
    if _may_be_thousands(whole, fraction):
        short_one = f"{whole}.{fraction}".rstrip("0").rstrip(".")
        raise ValueError(
            f"This could mean two amounts. Write {preferences.in_style(short_one)}, "
            f"or {preferences.in_style(f'{whole},{fraction}')}."
        )
    amount = Decimal(f"{whole}.{fraction}0") * sizes.get(found["size"], 1) * 10**scale
    quantity = int(amount)
    if quantity != amount:
        raise ValueError(_too_exact(preferences, scale))
    if quantity >= UNLIMITED:
        raise TooLargeError
    return quantity


def written(quantity: int, preferences: Preferences, unit: str | None = None, scale: int = 0) -> str:
    """Returns a quantity as `read_amount` reads it: short where that says all."""
    text = preferences.in_style(short(quantity, unit, scale))
    try:
        is_exact = read_amount(text, preferences, unit, scale) == quantity
    except ValueError:
        is_exact = False
    return text if is_exact else preferences.in_style(exact(quantity, unit, scale))


@cache
def _pattern(numbers: str) -> re.Pattern[str]:
    group, point = NUMBER_STYLES[numbers]
    groups = "".join(map(re.escape, {*GROUPS, group}))
    grouped = rf"[0-9]{{1,3}}(?P<group>[{groups}])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*"
    fraction = rf"(?:{re.escape(point)}(?P<fraction>[0-9]+))?"
    return re.compile(rf"(?P<whole>{grouped}|[0-9]+){fraction}\s*(?P<size>[a-z]*)")


def _may_be_thousands(whole: str, fraction: str) -> bool:
    """Whether somebody used to another style may mean thousands: nobody ends a fraction with 0 otherwise."""
    return len(fraction) == 3 and fraction.endswith("0") and len(whole) <= 3 and whole.strip("0") != ""


def _too_exact(preferences: Preferences, scale: int) -> str:
    allowed = f"at most {scale} digits after the point" if scale else "a whole number"
    return f"Write {allowed}, and thousands like {preferences.in_style(THOUSANDS)}."
