"""Limits as people write them: 20, 10G, unlimited."""

import click

from astakos.ledger.rules import UNLIMITED

UNLIMITED_WORD = "unlimited"
MOST_DIGITS = 30
POWERS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}


class Quantity(click.ParamType[int]):
    """A whole number, a number of K, M, G, T or P (powers of 1024), or `unlimited`."""

    name = "quantity"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read one."""
        text = str(value).strip()
        if text.lower() == UNLIMITED_WORD:
            return UNLIMITED
        power = POWERS.get(text[-1:].upper(), 1)
        digits = text[:-1] if power > 1 else text
        if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS):
            self.fail(f"{text!r} is no quantity; write a number such as 20 or 10G, or unlimited", param, ctx)
        return min(int(digits) * power, UNLIMITED)


QUANTITY = Quantity()


def shown(limit: int) -> str:
    """A limit as people read it."""
    return UNLIMITED_WORD if limit == UNLIMITED else str(limit)
