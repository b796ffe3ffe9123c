import pytest

from astakos.pages.instants import shown
from astakos.pages.preferences import PLAIN, Preferences, is_zone, preferences_of, zones


@pytest.mark.parametrize(
    ("numbers", "text", "styled"),
    [
        ("en", "1,234.5 GiB", "1,234.5 GiB"),
        ("de", "1,234.5 a.b,c", "1.234,5 a.b,c"),
        ("fr", "-1,234,567 x", "-1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567 x"),
        ("ch", "1,234.5", "1\N{RIGHT SINGLE QUOTATION MARK}234.5"),
        ("de", "unlimited", "unlimited"),
    ],
)
def test_numbers_are_written_as_the_reader_wants(numbers: str, text: str, styled: str) -> None:
    assert Preferences(numbers).in_style(text) == styled


def test_what_a_cookie_holds_is_read_again() -> None:
    chosen = Preferences("de", "Asia/Kathmandu")
    assert preferences_of(chosen.cookie) == chosen
    assert preferences_of("x|../../etc/passwd") == preferences_of("") == PLAIN


def test_times_are_in_the_zone_that_was_chosen() -> None:
    assert shown(0, Preferences(zone="Asia/Tokyo").time_zone) == "1 Jan 1970, 09:00 JST"
    assert shown(0, PLAIN.time_zone) == "1 Jan 1970, 00:00 UTC"


def test_every_zone_that_is_offered_can_be_chosen() -> None:
    assert all(is_zone(name) for name in zones())
    assert "Europe/Athens" in zones()
