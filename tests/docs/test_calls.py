"""The page with the calls of the client has all of them."""

import re
from pathlib import Path

from astakosclient import AsyncAstakosClient

PAGE = Path(__file__).parents[2].joinpath("docs", "reference", "calls.md").read_text(encoding="utf-8")


def test_the_tables_of_calls_name_every_call() -> None:
    # AstakosClient itself only chooses a generation of clients.
    public = {name for name in dir(AsyncAstakosClient) if not name.startswith("_")} - {"aclose"}
    assert len(public) > 60
    missing = {name for name in public if not re.search(rf"`(?:client\.)?{name}\b", PAGE)}
    assert not missing
