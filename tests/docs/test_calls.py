"""The page with the calls of the client has all of them."""

import re
from pathlib import Path

from astakosclient import AstakosClient

PAGE = Path(__file__).parents[2].joinpath("docs", "reference", "calls.md").read_text(encoding="utf-8")


def test_the_tables_of_calls_name_every_call() -> None:
    public = {name for name in dir(AstakosClient) if not name.startswith("_")} - {"close"}
    missing = {name for name in public if not re.search(rf"`(?:client\.)?{name}\b", PAGE)}
    assert not missing
