"""Styles and scripts are kept by browsers; the logo is a file that the settings name."""

import gzip
import json
from pathlib import Path

import pytest

from astakos.pages.static_files import static_files, static_version
from astakos.storage.protocol import Database
from service.browser import page_of
from service.caller import Caller
from service.command import astakos

CSS = f"/ui/static/{static_version()}/astakos.css"


def test_files_are_kept_for_as_long_as_they_are_the_same(standing_service: Caller) -> None:
    reply = standing_service.get(CSS)
    assert reply.content == static_files()["astakos.css"].content
    assert reply.headers["content-type"] == "text/css; charset=utf-8"
    assert reply.all("cache-control") == ["public, max-age=31536000, immutable"]
    assert reply.all("x-content-type-options") == ["nosniff"]
    compressed = standing_service.get(CSS, Accept_Encoding="br, gzip")
    assert compressed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(compressed.content) == reply.content
    again = standing_service.get(CSS, If_None_Match=reply.headers["etag"])
    assert (again.status, again.content) == (304, b"")
    assert standing_service.get("/ui/login").all("cache-control")[0].startswith("no-cache, no-store")


@pytest.mark.parametrize("name", ["nothing.css", "htmx.LICENSE.txt", "..%2frendering.py", "__init__.py"])
def test_nothing_else_is_there(standing_service: Caller, name: str) -> None:
    assert standing_service.get(f"/ui/static/{static_version()}/{name}").status == 404


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def load(database: Database, state: Path, **settings: str) -> str:
    state.write_text(json.dumps({"settings": settings}))
    result = astakos(database, "load", str(state))
    return result.errors if result.status else ""


def test_the_settings_say_what_people_sign_in_to(
    service: Caller, database: Database, state: Path, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    named = {"service_name": "<b>Cloud</b>", "forgotten_password": "Call 555 0100.", "logo": str(logo)}
    assert not load(database, state, **named)
    page = page_of(service.get("/ui/login"))
    assert "<b>Cloud</b>" in page.text
    assert "Call 555 0100." in page.text
    reply = service.get("/ui/logo")
    assert (reply.headers["content-type"], reply.content) == ("image/svg+xml", logo.read_bytes())
    (policy,) = reply.all("content-security-policy")
    assert "sandbox" in policy
    assert "script-src" not in policy
    logo.write_bytes(b"x" * 300_000)
    assert service.get("/ui/logo").status == 404
    logo.unlink()
    assert service.get("/ui/logo").status == 404


def test_what_no_browser_shows_is_no_logo(database: Database, state: Path) -> None:
    assert "a logo must be one of jpg, png, svg, webp" in load(database, state, logo="/etc/passwd")


def test_without_a_logo_there_is_a_plain_one(standing_service: Caller) -> None:
    assert standing_service.get("/ui/logo").content.startswith(b"<svg")
