"""Filters of templates."""

import pytest

from astakos.pages.rendering import breakable


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("ada@example.org", "ada@<wbr>example.<wbr>org"),
        ("quantum-optics-0", "quantum-<wbr>optics-<wbr>0"),
        ("<b>&.", "&lt;b&gt;&amp;.<wbr>"),
        ("", ""),
    ],
)
def test_names_break_behind_signs_and_run_nothing(text: str, written: str) -> None:
    assert breakable(text) == written
