"""What the README shows works as it is written."""

import re
from pathlib import Path

import pytest

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import (
    ComponentEntry,
    ResourceEntry,
    ServiceEntry,
    StateDocument,
    UserEntry,
)
from astakos.cli import COMMANDS
from astakos.processes.listening import LOOPBACK, listen
from astakos.server.running import serving
from astakos.service.service import Service
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakosclient import AstakosClient

README = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:8000"


def test_the_tour_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = SQLiteDatabase(f"sqlite:///{tmp_path / 'astakos.db'}")
    database.open()
    load(
        database,
        StateDocument(
            components=[ComponentEntry(name="compute", token="the-token-of-compute")],
            services=[ServiceEntry(name="compute", type="compute", component="compute")],
            resources=[ResourceEntry(name="compute.vm", service="compute", system_default=4)],
            users=[
                UserEntry(
                    uuid="00000001-0000-4000-8000-000000000001",
                    email="ada@example.org",
                    token="the-token-of-ada",
                )
            ],
        ),
        clock.now(),
    )
    monkeypatch.setenv("ADA_TOKEN", "the-token-of-ada")
    monkeypatch.setenv("COMPUTE_TOKEN", "the-token-of-compute")
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 4
    listener = listen(LOOPBACK, 0)
    base_url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    namespace: dict[str, object] = {}
    with serving(Service(database, base_url), listener):
        for block in blocks:
            exec(compile(block.replace(URL, base_url), "README.md", "exec"), namespace)


def test_the_table_of_calls_names_every_call() -> None:
    public = {name for name in dir(AstakosClient) if not name.startswith("_")} - {"close"}
    missing = {name for name in public if not re.search(rf"`(?:client\.)?{name}\b", README)}
    assert not missing


def test_the_commands_that_it_names_exist() -> None:
    named = set(re.findall(r"^\$ astakos (\w+)", README, re.MULTILINE))
    assert named
    assert named <= set(COMMANDS)


def test_the_make_targets_that_it_names_exist() -> None:
    makefile = Path(__file__).parents[2].joinpath("Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^\$ make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
