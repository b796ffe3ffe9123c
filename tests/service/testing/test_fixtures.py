"""What pytest does by itself in a project where the client is installed."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

TESTS = """
    import pytest
    from astakosclient import AstakosClient, errors
    from astakosclient.testing import RunningService

    seen = []

    @pytest.mark.parametrize("number", range(3))
    def test_each_has_a_service_of_its_own(
        astakos_service: RunningService, astakos_client: AstakosClient, number: int
    ) -> None:
        assert astakos_service.url not in seen
        seen.append(astakos_service.url)
        compute = astakos_service.add_service("compute", resources={"compute.vm": 1})
        ada = astakos_service.add_user("ada@example.org")
        astakos_client.issue_one_commission(compute.token, ada.uuid, "system", {"compute.vm": 1})
        with pytest.raises(errors.QuotaLimit):
            astakos_client.issue_one_commission(compute.token, ada.uuid, "system", {"compute.vm": 1})
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A user's project, with this source installed as `pyproject.toml` says."""
    points = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"][
        "entry-points"
    ]
    site = pytester.mkdir("site")
    installed = site / "astakos-1.0.dist-info"
    installed.mkdir()
    installed.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: astakos\nVersion: 1.0\n")
    lines = ["[pytest11]", *(f"{name} = {value}" for name, value in points["pytest11"].items())]
    installed.joinpath("entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(ROOT / "src")]))
    # Without what this project's tests need: each of these processes would import it for half a second.
    others = "-p no:schemathesis -p no:anyio -p no:hypothesispytest -p no:pytest_cov"
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-W error -p no:cacheprovider {others}")
    return pytester


def test_the_fixtures_are_there_by_themselves(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)
    project.runpytest_subprocess().assert_outcomes(passed=3)


def test_they_work_in_several_processes(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)
    project.runpytest_subprocess("-n", "2").assert_outcomes(passed=3)


def test_who_names_them_as_a_plugin_has_them_once(project: pytest.Pytester) -> None:
    project.makeconftest('pytest_plugins = ["astakosclient.testing.fixtures"]')
    project.makepyfile(TESTS)
    project.runpytest_subprocess().assert_outcomes(passed=3)


def test_who_does_not_use_them_loads_nothing_of_the_service(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        def test_nothing_heavy_is_there() -> None:
            loaded = {name.partition(".")[0] for name in sys.modules}
            assert "astakosclient" in loaded
            assert not loaded & {"astakos", "uvicorn", "sqlalchemy", "msgspec"}
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_who_lacks_the_service_is_told_how_to_install_it(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        sys.modules["sqlalchemy"] = None

        def test_something(astakos_service) -> None:
            pass
        """
    )
    result = project.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*pip install "astakos[[]server]"*sqlalchemy*is missing*'])
    result.stdout.no_fnmatch_line("*Traceback*")
