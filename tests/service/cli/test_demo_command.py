"""The guided run tells of every documented call, shows no token, and leaves nothing behind."""

import re
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from astakos.cli import main
from astakos.demo.narrator import Narrator
from astakosclient import AstakosClient, errors
from astakosclient.methods.documented_methods import Calls
from astakosclient.methods.project_methods import ProjectCalls

README = Path(__file__).parents[3] / "README.md"


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_every_call_answers_as_it_should(temporary_folder: Path) -> None:
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 0, result.output
    assert "all as expected" in result.output
    counted = re.search(r"\d+ calls of \d+ methods", result.output)
    assert counted is not None
    assert counted[0] in README.read_text(encoding="utf-8"), "the README shows other figures"
    told = set(re.findall(r"client\.(\w+)\(", result.output))
    # What makes no call itself, but of other calls, is not told.
    documented = {name for face in (Calls, ProjectCalls) for name in vars(face) if not name.startswith("_")}
    assert told == documented - {"commission", "lookups"}
    assert not re.search(r"[A-Za-z0-9_-]{43}", result.output), "a token is shown"
    assert list(temporary_folder.iterdir()) == []


def test_a_wrong_answer_is_told_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    with AstakosClient("http://127.0.0.1:1") as client:
        narrator = Narrator(client, {"secret": "<label>"})
        narrator.ask("get_quotas", "secret", expect=lambda _: True)
        narrator.refuse(errors.NotFound, "get_resources")
    assert not narrator.print_table(0.0)
    output = capsys.readouterr().out
    assert "<label>" in output
    assert "secret" not in output
    assert "2 not as expected" in output
