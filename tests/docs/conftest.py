"""One service for all pages of the documentation, which each of them finds as others have left it."""

import time
from collections.abc import Callable, Iterator

import pytest

from astakos.service.ttl_cache import KEPT_SECONDS
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from docs.pages import exported
from service.command import Serving, serving


@pytest.fixture(scope="session")
def used_database(tmp_path_factory: pytest.TempPathFactory) -> SQLiteDatabase:
    return SQLiteDatabase(f"sqlite:///{tmp_path_factory.mktemp('guide')}/astakos.db")


@pytest.fixture(scope="session")
def used_service(used_database: SQLiteDatabase) -> Iterator[Serving]:
    with serving(used_database) as served:
        yield served


@pytest.fixture(scope="session")
def set_up(
    used_service: Serving, used_database: SQLiteDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, str]]:
    """Runs the shell blocks of a page and returns the variables that they export.

    The same blocks run twice at most, because many pages have them and commands take their time to start; but
    once more after others, which may have renewed the same tokens.
    """
    folder = tmp_path_factory.mktemp("variables")
    found: dict[str, list[dict[str, str]]] = {}

    def run(script: str) -> dict[str, str]:
        if script not in found:
            found.clear()
        turns = found.setdefault(script, [])
        if len(turns) < 2:
            turns.append(exported(script, used_database, folder))
            if script:
                # People take longer until they go on than the service takes to notice what commands changed.
                time.sleep(KEPT_SECONDS)
        return turns[-1]

    return run
