"""What the README shows works as it is written."""

import re
from pathlib import Path

from astakos.cli import COMMANDS
from astakosclient import AstakosClient

README = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")


def test_the_table_of_calls_names_every_call() -> None:
    public = {name for name in dir(AstakosClient) if not name.startswith("_")} - {"close"}
    missing = {name for name in public if not re.search(rf"`(?:client\.)?{name}\b", README)}
    assert not missing


def test_the_commands_that_it_names_exist() -> None:
    named = set(re.findall(r"^(?:\$ )?astakos ([a-z]+) (?!ready)", README, re.MULTILINE))
    assert named
    assert named <= set(COMMANDS)


def test_the_make_targets_that_it_names_exist() -> None:
    makefile = Path(__file__).parents[2].joinpath("Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^\$ make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
