import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakos.deliveries.readable_text import JOINERS, one_line, readable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("lab", "lab"),
        ("a\r\nb\rc\x85d\u2028e", "a\nb\nc\nd\ne"),
        ("a\tb\x00\x1b[31m\x7f", "a\tb[31m"),
        ("user\u202egnp.exe\u2066\u200f", "usergnp.exe"),
        ("\ufeffzero\u200bwidth\u00ad", "zerowidth"),
        ("Größe 日本 👩\u200d🔬 \u0645\u06cc\u200c\u062e", "Größe 日本 👩\u200d🔬 \u0645\u06cc\u200c\u062e"),
    ],
)
def test_hidden_characters_are_left_out(text: str, shown: str) -> None:
    assert readable(text) == shown


@given(st.text())
def test_one_line_has_no_breaks_and_shows_all_that_it_has(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line == one_line(line)
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in line if char not in JOINERS)
