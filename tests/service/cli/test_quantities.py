import click
import pytest

from astakos.cli.quantities import QUANTITY, shown
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
        (str(UNLIMITED), UNLIMITED),
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


@pytest.mark.parametrize("text", [str(2**63), "8192P", "99999999999999999999", "9" * 5000, "9" * 30 + "P"])
def test_what_cannot_be_stored_is_refused_with_the_largest_limit(text: str) -> None:
    with pytest.raises(click.BadParameter, match=f"at most {UNLIMITED - 1}, or unlimited"):
        QUANTITY.convert(text, None, None)


def test_no_limit_is_shown_as_a_word() -> None:
    assert (shown(UNLIMITED), shown(UNLIMITED - 1), shown(0)) == ("unlimited", str(UNLIMITED - 1), "0")
