"""What is wrong on a built site is found."""

from pathlib import Path

import pytest
from tools.documentation.checks import mistakes_of


def site(folder: Path, body: str) -> Path:
    (folder / "index.html").write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    (folder / "other.html").write_text('<h1 id="there">There</h1>', encoding="utf-8")
    (folder / "picture.png").write_bytes(b"")
    return folder.resolve()


@pytest.mark.parametrize(
    "body",
    [
        '<a href="other.html#there">a</a><a href="https://example.org/x">b</a><a href="mailto:a@b.c">c</a>',
        '<p id="here"></p><a href="#here">a</a>',
        '<img src="picture.png" alt="A picture"><link href="style.css"><img src="data:image/png;x" alt="x">',
    ],
)
def test_a_site_that_is_right_has_no_mistakes(tmp_path: Path, body: str) -> None:
    assert list(mistakes_of(site(tmp_path, body))) == []


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ('<a href="lost.html">a</a>', "lost.html leads to no file"),
        ('<a href="other.html#lost">a</a>', "leads to no place"),
        ('<img src="picture.png">', "no alternative text"),
        ('<script src="https://cdn.example.org/x.js"></script>', "would request"),
        ('<link rel="stylesheet" href="//fonts.example.org/x.css">', "would request"),
        ('<img src="https://example.org/x.png" alt="x">', "would request"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, body: str, mistake: str) -> None:
    (found,) = mistakes_of(site(tmp_path, body))
    assert found.startswith("index.html: ")
    assert mistake in found


@pytest.mark.parametrize("style", ["@import 'x.css';", "a { background: url(https://example.org/x.png) }"])
def test_a_style_that_requests_something_is_told(tmp_path: Path, style: str) -> None:
    (site(tmp_path, "") / "site.css").write_text(style, encoding="utf-8")
    (found,) = mistakes_of(tmp_path)
    assert found.startswith("site.css: ")
