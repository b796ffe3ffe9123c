"""What the README shows works as it is written."""

import re
from pathlib import Path

from astakos.cli import COMMANDS

README = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")


def test_the_commands_that_it_names_exist() -> None:
    named = set(re.findall(r"^(?:\$ )?astakos ([a-z]+) (?!ready)", README, re.MULTILINE))
    assert named
    assert named <= set(COMMANDS)


def test_the_make_targets_that_it_names_exist() -> None:
    makefile = Path(__file__).parents[2].joinpath("Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^\$ make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
