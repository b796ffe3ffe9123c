"""Amounts as people write them."""

import pytest

from astakos.ledger.rules import UNLIMITED
from astakos.pages.amounts import TooLargeError, read_amount, written


@pytest.mark.parametrize(
    ("text", "unit", "scale", "quantity"),
    [
        ("20", None, 0, 20),
        (" 1,250,000 ", None, 0, 1_250_000),
        ("1.25 M tokens", "tokens", 0, 1_250_000),
        ("3k", "tokens", 0, 3000),
        ("10 GiB", "bytes", 0, 10 * 2**30),
        ("1.5g", "bytes", 0, 3 * 2**29),
        ("7 bytes", "bytes", 0, 7),
        ("12.5", "USD", 6, 12_500_000),
        ("0.000001 usd", "USD", 6, 1),
        ("Unlimited", "bytes", 0, UNLIMITED),
        (str(UNLIMITED - 1), None, 0, UNLIMITED - 1),
    ],
)
def test_an_amount_is_read(text: str, unit: str | None, scale: int, quantity: int) -> None:
    assert read_amount(text, unit, scale) == quantity


@pytest.mark.parametrize("text", ["", "some", "-1", "1e3", "1.2.3", "٣", "5 GB", "1 G", "2 TiB", "1 KiB"])
def test_what_is_no_amount_of_a_thing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Write an amount such as 20 or"):
        read_amount(text)


def test_amounts_have_no_more_digits_than_the_resource() -> None:
    with pytest.raises(ValueError, match="Write a whole number"):
        read_amount("1.5")
    with pytest.raises(ValueError, match="Write at most 2 digits after the point"):
        read_amount("1.234", "EUR", 2)
    with pytest.raises(ValueError, match="too large"):
        read_amount(str(UNLIMITED))
    with pytest.raises(TooLargeError):
        read_amount("9" * 100)


@pytest.mark.parametrize("unit", [None, "bytes", "tokens"])
@pytest.mark.parametrize("scale", [0, 2, 6])
def test_what_is_written_can_be_read_back(unit: str | None, scale: int) -> None:
    for quantity in (0, 1, 999, 1023, 1024, 10**6 + 1, 2**30, 2**30 + 1, 10**12, UNLIMITED - 1, UNLIMITED):
        assert read_amount(written(quantity, unit, scale), unit, scale) == quantity
