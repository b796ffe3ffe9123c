"""What all tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from astakos.storage.database import Database
from service.caller import Caller
from service.installation import copy_world, make_world, running

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")


@pytest.fixture(scope="session")
def world_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that holds the world, to be copied."""
    path = tmp_path_factory.mktemp("world") / "world.db"
    make_world(path)
    return path


@pytest.fixture
def database(world_file: Path, tmp_path: Path) -> Iterator[Database]:
    """The world, for one test alone."""
    database = copy_world(world_file, tmp_path / "astakos.db")
    yield database
    database.close()


@pytest.fixture
def service(database: Database) -> Iterator[Caller]:
    """A running service with the world, for one test alone."""
    with running(database) as caller:
        yield caller


@pytest.fixture(scope="session")
def standing_service(world_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """A running service with the world, for all those tests that change nothing."""
    database = copy_world(world_file, tmp_path_factory.mktemp("standing") / "astakos.db")
    with running(database) as caller:
        yield caller
