"""Quantities in words that people read: short ones to show, and exact ones beside them."""

from decimal import Decimal
from typing import Final

from astakos.ledger.rules import UNLIMITED

UNLIMITED_WORD: Final = "unlimited"
BYTES: Final = "bytes"
BINARY_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
LARGE: Final = ((10**12, "T"), (10**9, "B"), (10**6, "M"))
"""What short numbers from a million on end with."""


def short(quantity: int, unit: str | None = None, scale: int = 0) -> str:
    """Returns a quantity, with three digits if it is large, for example `1.5 GiB` or `12.5 M`."""
    if quantity == UNLIMITED:
        return UNLIMITED_WORD
    if unit == BYTES and scale == 0:
        return _bytes(quantity)
    amount = Decimal(quantity).scaleb(-scale)
    for size, word in LARGE:
        if abs(amount) >= size:
            return _with_unit(f"{_three_digits(amount / size)} {word}", unit)
    return _with_unit(_grouped(amount), unit)


def exact(quantity: int, unit: str | None = None, scale: int = 0) -> str:
    """Returns a quantity with all its digits."""
    if quantity == UNLIMITED:
        return UNLIMITED_WORD
    return _with_unit(_grouped(Decimal(quantity).scaleb(-scale)), unit)


def percent(part: int, whole: int) -> int:
    """Returns how many percent a part is of a whole, rounded down, so that 100 means full."""
    if whole == UNLIMITED:
        return 0
    return part * 100 // whole if whole > 0 else 100


def _bytes(quantity: int) -> str:
    size, unit = Decimal(quantity), 0
    while abs(size) >= 1024 and unit < len(BINARY_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{_three_digits(size) if unit else _grouped(size)} {BINARY_UNITS[unit]}"


def _three_digits(amount: Decimal) -> str:
    places = 2 if abs(amount) < 10 else 1 if abs(amount) < 100 else 0
    text = f"{amount:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _grouped(amount: Decimal) -> str:
    text = f"{amount:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_unit(text: str, unit: str | None) -> str:
    return f"{text} {unit}" if unit else text
