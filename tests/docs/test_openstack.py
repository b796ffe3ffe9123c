"""What docs/openstack.md shows works as it is written, with the real packages and a real service."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import requests  # noqa: F401 - kept, so that both turns have the same classes of cookies: pytester forgets others

from docs.pages import run, shell_script_of
from service.command import Serving

PAGE = Path(__file__).parents[2].joinpath("docs", "openstack.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:8000"
WARNINGS = (DeprecationWarning, PendingDeprecationWarning)
"""These packages deprecate parts of themselves and of each other that they use."""
CLOUDS = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_what_the_page_shows_works_and_again(
    used_service: Serving,
    set_up: Callable[[str], dict[str, str]],
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = PAGE.replace(URL, used_service.base_url)
    (clouds,) = CLOUDS.findall(page)
    file = pytester.path / "clouds.yaml"
    file.write_text(clouds, encoding="utf-8")
    # It is found in the present folder by itself, but by a process that was begun there.
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    for turn in ("first", "second"):
        for name, value in set_up(shell_script_of(page)).items():
            monkeypatch.setenv(name, value)
        result = run(f"openstack_{turn}", page, pytester, WARNINGS)
        assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED, result.stdout.str()
