"""Limits and amounts on the command line: 20, 10G, unlimited, and for resources with a scale 12.5."""

from typing import NamedTuple

import click

from astakos.cli.shown_values import UNLIMITED, UNLIMITED_WORD, Amount
from astakosclient.pricing import quantity_of

MOST_DIGITS = len(str(UNLIMITED))
POINT = "."
TOO_LARGE = f"the limit is too large; write at most {{most}}, or {UNLIMITED_WORD}"
GRANT_TOO_LARGE = "the amount of a grant is too large; write at most {most}"
POWERS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}


class Quantity(click.ParamType[int]):
    """A whole number, with an optional suffix K, M, G, T, or P (powers of 1024), or `unlimited`."""

    name = "quantity"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parses a quantity."""
        return self.read(str(value).strip(), TOO_LARGE, param, ctx)

    def read(
        self, text: str, too_large: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Parses a quantity; `too_large` says of a larger one what it could be, with `{most}`."""
        if text.lower() == UNLIMITED_WORD:
            return UNLIMITED
        power = POWERS.get(text[-1:].upper(), 1)
        digits = text[:-1] if power > 1 else text
        if not (digits.isascii() and digits.isdigit()):
            self.fail(
                f"{text!r} is not a quantity; write a number like 20 or 10G, or unlimited; of a resource "
                "with a scale, an amount like 12.5",
                param,
                ctx,
            )
        significant = digits.lstrip("0") or "0"
        if len(significant) > MOST_DIGITS or int(significant) * power >= UNLIMITED:
            self.fail(too_large.format(most=UNLIMITED - 1), param, ctx)
        return int(significant) * power


QUANTITY = Quantity()


class GivenAmount(NamedTuple):
    """An amount as it was written: only the resource says how many digits after the point it can have."""

    text: str
    too_large: str = TOO_LARGE

    def quantity(self, resource: str, scale: int) -> int:
        """Returns the quantity of a resource that this is.

        Raises:
            click.UsageError: the resource cannot have it; the message says why.
        """
        if scale == 0:
            if POINT in self.text:
                raise click.UsageError(f"{resource} is counted in whole numbers; {self.text} is not one")
            return QUANTITY.read(self.text, self.too_large, None, None)
        if self.text.lower() == UNLIMITED_WORD:
            return UNLIMITED
        try:
            quantity = quantity_of(self.text, scale)
        except ValueError as error:
            raise click.UsageError(f"{resource} has the scale {scale}: {error}") from None
        if quantity >= UNLIMITED:
            raise click.UsageError(self.too_large.format(most=shown(UNLIMITED - 1, scale)))
        return quantity


class AmountType(click.ParamType[GivenAmount]):
    """A quantity, or an amount like 12.5."""

    name = "quantity"

    def __init__(self, too_large: str = TOO_LARGE) -> None:
        """Sets what to say of an amount that is too large, with `{most}`."""
        self._too_large = too_large

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> GivenAmount:
        """Checks that a text can be a limit of some resource."""
        text = str(value).strip()
        whole, point, digits = text.partition(POINT)
        if point and whole.isascii() and whole.isdigit() and digits.isascii() and digits.isdigit():
            significant = whole.lstrip("0") or "0"
            if max(len(significant), len(digits)) <= MOST_DIGITS:
                return GivenAmount(f"{significant}.{digits}", self._too_large)
            self.fail(f"{text!r} has more than {MOST_DIGITS} digits before or after the point", param, ctx)
        QUANTITY.read(text, self._too_large, param, ctx)
        return GivenAmount(text.lstrip("0") or "0", self._too_large)


AMOUNT = AmountType()
GRANTED = AmountType(GRANT_TOO_LARGE)


def shown(limit: int, scale: int = 0) -> str:
    """Formats a limit for people."""
    return str(Amount(limit, scale))
