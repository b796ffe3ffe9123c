"""Instants in words."""

from zoneinfo import ZoneInfo

import pytest

from astakos.pages.instants import with_instants


@pytest.mark.parametrize(
    ("text", "shown_text"),
    [
        ("expires: 2027-02-28T16:23:02.579043+00:00", "expires: 28 Feb 2027, 17:23 CET"),
        (
            "2027-01-02T03:04:05+00:00 → 2027-07-02T03:04:05+00:00",
            "2 Jan 2027, 04:04 CET → 2 Jul 2027, 05:04 CEST",
        ),
        ("no time at all: 2027-02-30T25:61:61+00:00", "no time at all: 2027-02-30T25:61:61+00:00"),
        ("x2027-01-02T03:04:05+00:00", "x2027-01-02T03:04:05+00:00"),
    ],
)
def test_instants_in_a_text_are_written_for_people(text: str, shown_text: str) -> None:
    assert with_instants(text, ZoneInfo("Europe/Berlin")) == shown_text
