"""Exact prices: what something costs, as a quantity of a resource that has a scale (`docs/guide/money.md`).

Quantities are integers everywhere in the API. A resource with the unit USD and the scale 6 counts millionths
of a dollar: 12500000 is 12.5 USD. Nothing here is ever a float, so no sum loses or gains a unit.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal

LARGEST_SCALE: Final = 18
AMOUNT: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?")

Rounding = Literal["up", "down", "half-even"]
"""What becomes of a fraction of the smallest quantity: `up` never charges too little, `down` never too much,
and `half-even` takes the nearest, of two the even one."""


class UnknownPriceError(LookupError):
    """The table has no price for a model, or for a kind of usage of it."""


def quantity_of(amount: str | Decimal | int, scale: int) -> int:
    """Returns the quantity that an amount is: `quantity_of("12.5", 6)` is 12500000.

    Args:
        amount: From 0, with at most `scale` digits after the point. A float is refused.
        scale: How many digits after the point the resource has: its unit, divided by 10 ** scale, is counted.

    Raises:
        ValueError: The amount is not such a number, or the scale is not from 0 to 18.
        TypeError: The amount is a float.
    """
    _require_scale(scale)
    numerator, digits = _exact(amount)
    if digits > scale:
        raise ValueError(f"{amount} has {digits} digits after the point; write at most {scale}")
    return numerator * _power_of_ten(scale - digits)


def amount_of(quantity: int, scale: int) -> Decimal:
    """Returns the amount that a quantity is: `amount_of(12500000, 6)` is `Decimal("12.5")`.

    Zeros at the end are left out. Print it with `format(amount, "f")`: `str` shows the smallest as `1E-7`.

    Raises:
        ValueError: The scale is not from 0 to 18.
    """
    _require_scale(scale)
    whole, fraction = divmod(abs(_whole("quantity", quantity)), _power_of_ten(scale))
    sign = "-" if quantity < 0 else ""
    digits = f"{fraction:0{scale}d}".rstrip("0") if fraction else ""
    return Decimal(f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}")


class PriceTable:
    """What each kind of usage of each model costs.

    >>> table = PriceTable({"gpt-x": {"input": "2.50", "output": "10"}}, per=1_000_000, scale=6)
    >>> table.quantity("gpt-x", {"input": 1200, "output": 350})
    6500
    """

    def __init__(
        self,
        prices: Mapping[str, Mapping[str, str | Decimal | int]],
        *,
        scale: int,
        per: int = 1,
        rounding: Rounding = "up",
    ) -> None:
        """Reads the prices.

        Args:
            prices: By model and kind of usage, for example input and output tokens: the amount for `per` of
                them, as text. A float is refused.
            scale: The scale of the resource that is charged.
            per: How many the prices are for; providers of language models give theirs for a million tokens.
            rounding: What becomes of the fraction of a unit at the end of a sum.

        Raises:
            ValueError: A price is not a number from 0, or another argument is out of range.
            TypeError: A price is a float.
        """
        _require_scale(scale)
        if _whole("per", per) < 1:
            raise ValueError(f"per must be at least 1, not {per}")
        if rounding not in ("up", "down", "half-even"):
            raise ValueError(f"rounding must be up, down or half-even, not {rounding!r}")
        exact = {
            (model, kind): _exact(price) for model, kinds in prices.items() for kind, price in kinds.items()
        }
        most_digits = max((digits for _, digits in exact.values()), default=0)
        # All prices as multiples of one fraction of a unit, so that sums are sums of integers.
        self._prices = {
            key: numerator * _power_of_ten(scale + most_digits - digits)
            for key, (numerator, digits) in exact.items()
        }
        self._divisor = per * _power_of_ten(most_digits)
        self._rounding = rounding

    def quantity(self, model: str, used: Mapping[str, int]) -> int:
        """Returns what usage of a model costs: one sum of all kinds, rounded once.

        Args:
            model: The name of the model.
            used: The number of each kind, for example of input and output tokens.

        Raises:
            UnknownPriceError: There is no price; nothing is free by mistake.
            ValueError: A number is negative.
            TypeError: A number is not an integer.
        """
        total = 0
        for kind, number in used.items():
            if _whole(kind, number) < 0:
                raise ValueError(f"{kind} must be at least 0, not {number}")
            total += self._price(model, kind) * number
        quantity, rest = divmod(total, self._divisor)
        if self._rounding == "up":
            return quantity + (rest > 0)
        if self._rounding == "half-even":
            return quantity + (2 * rest + (quantity & 1) > self._divisor)
        return quantity

    def _price(self, model: str, kind: str) -> int:
        price = self._prices.get((model, kind))
        if price is None:
            kinds = [known for of, known in self._prices if of == model]
            if not kinds:
                raise UnknownPriceError(f"there is no price for the model {model!r}")
            raise UnknownPriceError(
                f"there is no price for {kind!r} of {model!r}, only for {', '.join(kinds)}"
            )
        return price


def _exact(amount: str | Decimal | int) -> tuple[int, int]:
    """Returns a number from 0 as an integer, and how many of its digits stand after the point."""
    if not isinstance(amount, str | Decimal | int) or isinstance(amount, bool):
        raise TypeError(
            f"write {amount!r} as text, for example '12.5': a {type(amount).__name__} is not exact"
        )
    text = format(amount, "f") if isinstance(amount, Decimal) else str(amount)
    found = AMOUNT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an amount; write a number from 0, for example 12.5")
    whole, fraction = found[1], (found[2] or "").rstrip("0")
    return int(whole + fraction), len(fraction)


def _whole(name: str, number: int) -> int:
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"{name} must be a whole number, not {number!r}")
    return number


def _require_scale(scale: int) -> None:
    if not 0 <= _whole("scale", scale) <= LARGEST_SCALE:
        raise ValueError(f"a scale is from 0 to {LARGEST_SCALE}, not {scale}")


def _power_of_ten(exponent: int) -> int:
    power: int = 10**exponent
    return power
