"""What docs/openstack.md shows works as it is written, with the real packages and a real service."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.pages import run
from service.installation import database_at
from service.serving import serving_as_itself
from service.world import ALICE, LAB, PASSWORD, world

PAGE = Path(__file__).parents[2].joinpath("docs", "openstack.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:8000"
WARNINGS = (DeprecationWarning, PendingDeprecationWarning)
"""These packages deprecate parts of themselves and of each other that they use."""
CLOUDS = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A service that knows ada@example.org, a member of the lab, and object storage."""
    document = world()
    document.users[0].email = "ada@example.org"
    monkeypatch.setenv("ADA_PASSWORD", PASSWORD)
    monkeypatch.setenv("ADA_TOKEN", ALICE.token)
    monkeypatch.setenv("ADA_UUID", ALICE.uuid)
    monkeypatch.setenv("LAB_UUID", LAB)
    with serving_as_itself(database_at(tmp_path / "astakos.db"), document) as url:
        yield url


def test_what_the_page_shows_works(
    url: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = PAGE.replace(URL, url)
    (clouds,) = CLOUDS.findall(page)
    file = pytester.path / "clouds.yaml"
    file.write_text(clouds, encoding="utf-8")
    # It is found in the present folder by itself, but by a process that was begun there.
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    result = run("openstack", page, pytester, WARNINGS)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED, result.stdout.str()
