"""What all tests share."""

import gc
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from tools.postgres_server import folder_in_memory, postgres_server

from astakos.directory import password_hashes
from astakos.http.dialects.v0_14 import V0_14
from astakos.storage.protocol import Database
from lengths import is_short, make_short
from service.caller import Caller
from service.engines import (
    ENGINES,
    LEDGER_ENGINES,
    POSTGRESQL,
    SQLITE,
    Engine,
    PostgreSQLEngine,
    SQLiteEngine,
)
from service.installation import make_world, running

# Installed, the first is found by itself; here it is also that of this very source.
pytest_plugins = ["astakosclient.testing.fixtures", "pytester"]

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
PROFILE = "ci" if os.environ.get("CI") == "true" else "here"
settings.load_profile(PROFILE)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-url",
        metavar="URL",
        help="Use this server for the tests on PostgreSQL, in databases of their own made there, "
        "in place of one that is started.",
    )
    parser.addoption(
        "--every-browser",
        action="store_true",
        help="Tell each story about pages in every kind of browser, and not in one of them.",
    )
    parser.addoption(
        "--short",
        action="store_true",
        help="Leave out what is marked `long`; on PostgreSQL all but the first parameters, and every "
        "other test that runs on SQLite as well; run less of what can run for any time.",
    )


MARKERS = (
    "browser: in a real Chromium, if one is found.",
    "every_engine: on each kind of database, and not on SQLite alone.",
    "first_on_every_engine: beside every_engine: with the first parameters; with the others on SQLite alone.",
    "postgresql: on PostgreSQL alone.",
    "ledger: on each kind of database on which commissions can be written.",
    "long: not with --short, where another test does less of the same.",
)


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if config.getoption("short"):
        make_short()
        settings.register_profile("short", settings.get_profile(PROFILE), max_examples=SHORT_EXAMPLES)
        settings.load_profile("short")
    # A password takes a tenth of a second and 64 MiB on purpose; hundreds of tests begin with one.
    password_hashes._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    _write_into_memory()


def _write_into_memory() -> None:
    """Puts temporary files into memory: on a disk, SQLite waits milliseconds for each transaction."""
    folder = folder_in_memory()
    if folder is not None and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None


NOT_HERE = {
    "there is no Chromium": "The stories about pages ran over HTTP only: no Chromium is here. "
    "make test-browser installs it.",
    "there is no promtool": "The rules for Prometheus were not tried: no promtool is here. "
    "make deploy-tools installs it.",
    "there is no amtool": "The configuration of Alertmanager was not tried: no amtool is here. "
    "make deploy-tools installs it.",
    "there is no systemd": "The units were not judged by systemd, which is not here. "
    "make deploy-tools installs it.",
}
"""What the reasons of skipped tests begin with, and what to say of it in the last lines."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says in the last lines what was not tried, for want of a program."""
    skipped = [str(report.longrepr) for report in terminalreporter.getreports("skipped")]
    for reason, line in NOT_HERE.items():
        if any(reason in one for one in skipped):
            terminalreporter.write_line(line, yellow=True)


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as processors: for a third of their time, tests wait for pauses and processes."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


SHORT_EXAMPLES = 25
"""Of a test that does not say how many there are."""
LONGEST_TESTS = ("fuzzing", "simulation")
ONE_IN = 2
"""In a short run, one in so many tests of a module that also run on SQLite does not run on PostgreSQL."""
STORAGE = Path(__file__).parent / "service" / "storage"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the longest tests, so that at the end no process waits for the one that began them last."""
    items[:] = _without_repetitions(items)
    items.sort(key=lambda item: item.path.parent.name not in LONGEST_TESTS)


def _without_repetitions(items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
    """Leaves out what `first_on_every_engine` leaves out, and what is long if the run shall be short."""
    begun: set[str] = set()
    tests_of_module: Counter[Path] = Counter()
    for item in items:
        if is_short() and item.get_closest_marker("long"):
            continue
        if _repeats_what_ran_elsewhere(item):
            test = item.nodeid.partition("[")[0]
            if test in begun:
                continue
            begun.add(test)
            if is_short() and _is_about_more_than_a_database(item):
                tests_of_module[item.path] += 1
                if tests_of_module[item.path] % ONE_IN == 0:
                    continue
        yield item


def _repeats_what_ran_elsewhere(item: pytest.Item) -> bool:
    """Whether it is on another database as well, and on this one the first parameters are enough."""
    if not isinstance(item, pytest.Function) or item.get_closest_marker("postgresql"):
        return False
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if parameters.get("engine", SQLITE) == SQLITE:
        return False
    return is_short() or item.get_closest_marker("first_on_every_engine") is not None


def _is_about_more_than_a_database(item: pytest.Item) -> bool:
    """Whether others beside it send the same statements: of those about the ledger and storage, all run."""
    return item.get_closest_marker("ledger") is None and STORAGE not in item.path.parents


def pytest_collection() -> None:
    """Looks for no garbage until all is collected: next to nothing of modules and tests is any."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Spares the garbage collector the modules and tests, which stay to the end: a million objects."""
    gc.freeze()
    gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" not in metafunc.fixturenames:
        return
    markers = {marker.name for marker in metafunc.definition.iter_markers()}
    names: Sequence[str] = (SQLITE,)
    if "postgresql" in markers:
        names = (POSTGRESQL,)
    elif "ledger" in markers:
        names = LEDGER_ENGINES
    elif "every_engine" in markers:
        names = ENGINES
    metafunc.parametrize("engine", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server, on which databases can be made."""
    given: str | None = request.config.getoption("--database-url")
    if given:
        yield given
        return
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_engine(postgresql_url: str) -> Iterator[PostgreSQLEngine]:
    """Makes databases on the server."""
    engine = PostgreSQLEngine(postgresql_url)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def sqlite_engine(world_file: Path) -> SQLiteEngine:
    """Makes files."""
    return SQLiteEngine(world_file)


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Engine:
    """The kind of database that a test runs on; see the markers."""
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture(scope="session")
def world_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that holds the world, to be copied."""
    path = tmp_path_factory.mktemp("world") / "world.db"
    make_world(path)
    return path


@pytest.fixture
def database(engine: Engine, tmp_path: Path) -> Iterator[Database]:
    """The world, for one test alone."""
    database = engine.world(tmp_path)
    yield database
    engine.discard(database)


@pytest.fixture
def new(engine: Engine, tmp_path: Path) -> Iterator[Database]:
    """A database in which there is nothing yet, for one test alone."""
    database = engine.new(tmp_path)
    yield database
    engine.discard(database)


@pytest.fixture
def empty(engine: Engine, tmp_path: Path) -> Iterator[Database]:
    """An installation in which there is nothing yet, for one test alone."""
    database = engine.empty(tmp_path)
    yield database
    engine.discard(database)


@pytest.fixture
def service(database: Database) -> Iterator[Caller]:
    """A running service with the world, for one test alone."""
    with running(database) as caller:
        yield caller


@pytest.fixture
def older_service(database: Database) -> Iterator[Caller]:
    """A running service with the world that answers as 0.14 did, for one test alone."""
    with running(database, dialect=V0_14) as caller:
        yield caller


@pytest.fixture(scope="session")
def standing_service(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """A running service with the world, for all those tests that change nothing."""
    database = engine.world(tmp_path_factory.mktemp("standing"))
    with running(database) as caller:
        yield caller
    engine.discard(database)
