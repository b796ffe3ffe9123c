"""Limits on the command line: 20, 10G, unlimited."""

import click

from astakos.ledger.rules import UNLIMITED

UNLIMITED_WORD = "unlimited"
MOST_DIGITS = len(str(UNLIMITED))
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


def shown(limit: int) -> str:
    """Format a limit for people."""
    return UNLIMITED_WORD if limit == UNLIMITED else str(limit)
