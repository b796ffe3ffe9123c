"""What docs/state.md lists is what a document can have."""

import re
from pathlib import Path

from msgspec.structs import fields

from astakos.administration.state_document import Settings, StateDocument

TEXT = Path(__file__).parents[2].joinpath("docs", "state.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> list[str]:
    """The names in the first column of the table with that heading."""
    table = TEXT.partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    return [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]


def test_each_setting_is_listed_once() -> None:
    assert sorted(first_cells("setting")) == sorted(field.encode_name for field in fields(Settings))


def test_each_part_is_listed_once() -> None:
    assert sorted(first_cells("part")) == sorted(field.encode_name for field in fields(StateDocument))
