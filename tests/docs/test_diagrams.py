"""The drawn pictures are those of their diagrams."""

import re

from tools.draw_diagrams import DIAGRAMS, IMAGES, digest_of, out_of_date


def test_the_pictures_are_current() -> None:
    assert not list(out_of_date()), "run: python tools/draw_diagrams.py"
    assert {file.stem for file in DIAGRAMS.glob("*.dot")} == {file.stem for file in IMAGES.glob("*.svg")}


def test_a_changed_diagram_has_another_digest() -> None:
    assert digest_of("digraph { a -> b }") != digest_of("digraph { a -> c }")


def test_a_picture_requests_nothing_and_has_both_looks() -> None:
    for picture in IMAGES.glob("*.svg"):
        text = picture.read_text(encoding="utf-8")
        assert not re.findall(r"(?:href|src)=|url\(|@import", text)
        assert "prefers-color-scheme: dark" in text
