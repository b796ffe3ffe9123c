"""Limits on the command line: 20, 10G, unlimited, and for resources with a scale 12.5."""

from typing import NamedTuple

import click

from astakos.cli.shown_values import UNLIMITED_WORD, Amount
from astakos.ledger.rules import UNLIMITED
from astakosclient.pricing import quantity_of

MOST_DIGITS = len(str(UNLIMITED))
POINT = "."
POWERS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}


class Quantity(click.ParamType[int]):
    """A whole number, with an optional suffix K, M, G, T, or P (powers of 1024), or `unlimited`."""

    name = "quantity"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse a quantity."""
        text = str(value).strip()
        if text.lower() == UNLIMITED_WORD:
            return UNLIMITED
        power = POWERS.get(text[-1:].upper(), 1)
        digits = text[:-1] if power > 1 else text
        if not (digits.isascii() and digits.isdigit()):
            self.fail(f"{text!r} is not a quantity; write a number like 20 or 10G, or unlimited", param, ctx)
        significant = digits.lstrip("0") or "0"
        if len(significant) > MOST_DIGITS or int(significant) * power > UNLIMITED:
            self.fail(
                f"the limit is too large; write at most {UNLIMITED - 1}, or {UNLIMITED_WORD}", param, ctx
            )
        return int(significant) * power


QUANTITY = Quantity()


class GivenAmount(NamedTuple):
    """A limit as it was written: only the resource says how many digits after the point it can have."""

    text: str

    def quantity(self, resource: str, scale: int) -> int:
        """Return the quantity of a resource that this is.

        Raises:
            click.UsageError: the resource cannot have it; the message says why.
        """
        if scale == 0:
            if POINT in self.text:
                raise click.UsageError(f"{resource} is counted in whole numbers; {self.text} is not one")
            return QUANTITY.convert(self.text, None, None)
        if self.text.lower() == UNLIMITED_WORD:
            return UNLIMITED
        try:
            quantity = quantity_of(self.text, scale)
        except ValueError as error:
            raise click.UsageError(f"{resource} has the scale {scale}: {error}") from None
        if quantity >= UNLIMITED:
            most = shown(UNLIMITED - 1, scale)
            raise click.UsageError(f"the limit is too large; write at most {most}, or {UNLIMITED_WORD}")
        return quantity


class AmountType(click.ParamType[GivenAmount]):
    """A quantity, or an amount like 12.5."""

    name = "quantity"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> GivenAmount:
        """Check that a text can be a limit of some resource."""
        text = str(value).strip()
        whole, point, digits = text.partition(POINT)
        if point and whole.isascii() and whole.isdigit() and digits.isascii() and digits.isdigit():
            significant = whole.lstrip("0") or "0"
            if max(len(significant), len(digits)) <= MOST_DIGITS:
                return GivenAmount(f"{significant}.{digits}")
            self.fail(f"{text!r} has more than {MOST_DIGITS} digits before or after the point", param, ctx)
        QUANTITY.convert(text, param, ctx)
        return GivenAmount(text.lstrip("0") or "0")


AMOUNT = AmountType()


def shown(limit: int, scale: int = 0) -> str:
    """Format a limit for people."""
    return str(Amount(limit, scale))
