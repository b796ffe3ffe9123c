import time

import hypothesis.strategies as st
import pytest
from hypothesis import given

from astakos import clock
from astakos.clock import from_iso, to_iso, to_milliseconds


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (0, "1970-01-01T00:00:00+00:00"),
        (1, "1970-01-01T00:00:00.000001+00:00"),
        (1_927_685_106_789_012, "2031-02-01T04:05:06.789012+00:00"),
        (1_927_685_106_000_000, "2031-02-01T04:05:06+00:00"),
        (1_927_685_106_100_000, "2031-02-01T04:05:06.100000+00:00"),
        (-1, "1969-12-31T23:59:59.999999+00:00"),
    ],
)
def test_an_instant_is_written_with_a_fraction_unless_that_is_zero(instant: int, text: str) -> None:
    assert to_iso(instant) == text
    assert from_iso(text) == instant


@given(st.integers(-(10**15), 10**17))
def test_what_is_written_is_read_as_it_was(instant: int) -> None:
    assert from_iso(to_iso(instant)) == instant


@pytest.mark.parametrize(
    "text",
    [
        "2031-02-01T04:05:06Z",
        "2031-02-01T06:05:06+02:00",
        "2031-01-31T22:35:06-05:30",
        "2031-02-01 04:05:06+0000",
    ],
)
def test_any_zone_is_read(text: str) -> None:
    assert to_iso(from_iso(text)) == "2031-02-01T04:05:06+00:00"


@pytest.mark.parametrize("text", ["", "soon", "2031-02-01", "2031-02-01T04:05:06", "2031-13-01T00:00:00Z"])
def test_what_names_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"zone|isoformat|month"):
        from_iso(text)


def test_the_present_is_told_in_microseconds() -> None:
    before = time.time()
    assert before - 1 <= clock.now() / 1_000_000 <= time.time() + 1
    assert to_milliseconds(1_999) == 1
