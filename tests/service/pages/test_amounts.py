"""Amounts as people write them."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakos.ledger.rules import UNLIMITED
from astakos.pages.amounts import TooLargeError, read_amount, written
from astakos.pages.preferences import NUMBER_STYLES, PLAIN, Preferences

STYLES = st.sampled_from([Preferences(name) for name in NUMBER_STYLES])


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
    assert read_amount(text, PLAIN, unit, scale) == quantity


@pytest.mark.parametrize("text", ["", "some", "-1", "1e3", "1.2.3", "٣", "5 GB", "1 G", "2 TiB", "1 KiB"])
def test_what_is_no_amount_of_a_thing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Write an amount such as 20 or"):
        read_amount(text, PLAIN)


def test_amounts_have_no_more_digits_than_the_resource() -> None:
    with pytest.raises(ValueError, match="Write a whole number"):
        read_amount("1.5", PLAIN)
    with pytest.raises(ValueError, match="Write at most 2 digits after the point"):
        read_amount("1.234", PLAIN, "EUR", 2)
    with pytest.raises(ValueError, match="too large"):
        read_amount(str(UNLIMITED), PLAIN)
    with pytest.raises(TooLargeError):
        read_amount("9" * 100, PLAIN)


@pytest.mark.parametrize(
    ("numbers", "text", "unit", "scale", "quantity"),
    [
        ("de", "1.000", None, 0, 1000),
        ("de", "1,5 k", None, 0, 1500),
        ("de", "1.234.567,89", "EUR", 2, 123_456_789),
        ("de", "1,25 GiB", "bytes", 0, 5 * 2**28),
        ("fr", "1 250 000", None, 0, 1_250_000),
        ("fr", "1\N{NARROW NO-BREAK SPACE}250,5 USD", "USD", 1, 12_505),
        ("ch", "1\N{RIGHT SINGLE QUOTATION MARK}250.5", "USD", 1, 12_505),
        ("ch", "1'250", None, 0, 1250),
        ("en", "1 250", None, 0, 1250),
        ("en", "0.500", "USD", 6, 500_000),
    ],
)
def test_an_amount_is_read_in_the_style_of_its_writer(
    numbers: str, text: str, unit: str | None, scale: int, quantity: int
) -> None:
    assert read_amount(text, Preferences(numbers), unit, scale) == quantity


@pytest.mark.parametrize(
    ("numbers", "text", "unit", "told"),
    [
        ("en", "1,5", None, "thousands like 1,250,000"),
        ("en", "1,5 k", None, "20 or 1.5 M"),
        ("en", "1.000", None, "a whole number, and thousands like 1,250,000"),
        ("en", "1.500 GiB", "bytes", "Write 1.5, or 1,500"),
        ("en", "1,00,000", None, "thousands like 1,250,000"),
        ("en", "1,250 000", None, "thousands like 1,250,000"),
        ("de", "1.5", None, "20 or 1,5 M"),
        ("de", "1.00.0", None, "thousands like 1.250.000"),
        ("de", "1,000", None, "a whole number, and thousands like 1.250.000"),
        ("de", "1,500 k", None, "Write 1,5, or 1.500"),
        ("fr", "1.5", None, "20 or 1,5 M"),
        ("ch", "1,5", None, "20 or 1.5 M"),
    ],
)
def test_what_could_mean_two_amounts_is_refused_in_the_style_of_its_writer(
    numbers: str, text: str, unit: str | None, told: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        read_amount(text, Preferences(numbers), unit)


@given(
    st.integers(0, UNLIMITED) | st.integers(0, 10**7) | st.sampled_from([2**30, 10**6, 10**12 + 1]),
    STYLES,
    st.sampled_from([None, "bytes", "tokens", "USD"]),
    st.integers(0, 18),
)
def test_what_is_written_in_a_style_is_read_back(
    quantity: int, preferences: Preferences, unit: str | None, scale: int
) -> None:
    assert read_amount(written(quantity, preferences, unit, scale), preferences, unit, scale) == quantity


@given(st.integers(1000, 10**15), STYLES, STYLES)
def test_a_grouped_number_is_never_misread_in_another_style(
    quantity: int, writer: Preferences, reader: Preferences
) -> None:
    with contextlib.suppress(ValueError):
        assert read_amount(writer.in_style(f"{quantity:,}"), reader) == quantity
