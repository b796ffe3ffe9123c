import click
import pytest

from astakos.cli.quantities import AMOUNT, QUANTITY, shown
from astakos.ledger.rules import UNLIMITED


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("20", 20),
        (" 20 ", 20),
        ("007", 7),
        ("1k", 2**10),
        ("2K", 2**11),
        ("3M", 3 * 2**20),
        ("10G", 10 * 2**30),
        ("4T", 2**42),
        ("1P", 2**50),
        ("unlimited", UNLIMITED),
        ("Unlimited", UNLIMITED),
        (str(UNLIMITED - 1), UNLIMITED - 1),
        ("8191P", 8191 * 2**50),
        ("0" * 5000 + "7", 7),
    ],
)
def test_limits_are_read_as_people_write_them(text: str, number: int) -> None:
    assert QUANTITY.convert(text, None, None) == number


@pytest.mark.parametrize("text", ["", " ", "K", "-1", "+1", "1.5G", "1KB", "1 K", "none", "²", "٣"])
def test_what_is_no_quantity_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="10G"):
        QUANTITY.convert(text, None, None)


@pytest.mark.parametrize(
    "text", [str(UNLIMITED), str(2**63), "8192P", "99999999999999999999", "9" * 5000, "9" * 30 + "P"]
)
def test_what_cannot_be_stored_is_refused_with_the_largest_limit(text: str) -> None:
    with pytest.raises(click.BadParameter, match=f"at most {UNLIMITED - 1}, or unlimited"):
        QUANTITY.convert(text, None, None)


def test_no_limit_is_shown_as_a_word() -> None:
    assert (shown(UNLIMITED), shown(UNLIMITED - 1), shown(0)) == ("unlimited", str(UNLIMITED - 1), "0")


@pytest.mark.parametrize(
    ("text", "scale", "quantity"),
    [
        ("12.5", 6, 12_500_000),
        ("12.500000000", 6, 12_500_000),
        ("20", 2, 2000),
        ("0.000001", 6, 1),
        ("00.5", 1, 5),
        ("0" * 5000 + "7", 1, 70),
        ("unlimited", 6, UNLIMITED),
        ("9223372036854.775806", 6, UNLIMITED - 1),
        ("10G", 0, 10 * 2**30),
        (" 20 ", 0, 20),
    ],
)
def test_the_scale_says_what_an_amount_is(text: str, scale: int, quantity: int) -> None:
    assert AMOUNT.convert(text, None, None).quantity("usd", scale) == quantity
    assert AMOUNT.convert(shown(quantity, scale), None, None).quantity("usd", scale) == quantity


@pytest.mark.parametrize("text", ["", ".", "1.", ".5", "1.5G", "-1.5", "1,5", "1.2.3", "1e3", "٣.٣", "K"])
def test_what_is_no_amount_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="10G"):
        AMOUNT.convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "scale", "reason"),
    [
        ("12.5", 0, "usd is counted in whole numbers; 12.5 is not one"),
        ("12.3456789", 6, "usd has the scale 6: 12.3456789 has 7 digits after the point; write at most 6"),
        ("10G", 6, "usd has the scale 6: '10G' is not an amount; write a number from 0, for example 12.5"),
        ("9223372036854.775807", 6, "write at most 9223372036854.775806, or unlimited"),
    ],
)
def test_an_amount_that_the_resource_cannot_have_is_refused(text: str, scale: int, reason: str) -> None:
    given = AMOUNT.convert(text, None, None)
    with pytest.raises(click.UsageError) as caught:
        given.quantity("usd", scale)
    assert reason in caught.value.message


@pytest.mark.parametrize("text", ["1" * 20 + ".5", "1." + "5" * 20, "9" * 5000 + ".5"])
def test_an_amount_with_too_many_digits_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="more than 19 digits"):
        AMOUNT.convert(text, None, None)


def test_amounts_are_shown_without_exponents_and_zeros_at_the_end() -> None:
    assert [shown(quantity, 6) for quantity in (12_500_000, 1, 0, -1, 10**7)] == [
        "12.5",
        "0.000001",
        "0",
        "-0.000001",
        "10",
    ]
    assert shown(1, 18) == "0." + "0" * 17 + "1"
