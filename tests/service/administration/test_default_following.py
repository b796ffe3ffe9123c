"""Users follow a new default limit step by step: whatever ends in between, the next step goes on."""

import asyncio
from functools import partial

import pytest

from astakos.administration.default_following import (
    CHANGED_MEANWHILE,
    Following,
    find_following,
    follow_defaults,
    start_following,
    stop_following,
    take_step,
)
from astakos.administration.state_document import StateError
from astakos.events.event import Actor
from astakos.service.default_limits import begin_to_follow
from astakos.service.service import Service
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import default_limits, registry
from service.command import astakos, refused
from service.installation import last_event, rows
from service.world import ALICE, BASE_URL, LOADED, VM

pytestmark = pytest.mark.every_engine
ACTOR = Actor(ALICE.uuid, "192.0.2.7")
LATER = LOADED + 60_000_000


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_limits, "AT_A_TIME", 2)


def start(database: Database, limit: int = 9) -> Following:
    return database.change(partial(start_following, actor=ACTOR, name=VM, limit=limit, now=LOADED))


def step(database: Database) -> Following | None:
    return database.change(partial(take_step, name=VM, now=LATER))


def default(database: Database) -> int:
    def find(connection: Connection) -> int:
        resource = registry.find_resource(connection, VM)
        assert resource is not None
        return resource.system_default

    return database.read(find)


def having(database: Database, limit: int) -> int:
    statement = """
        SELECT count(*) FROM project_resources c JOIN projects p ON p.id = c.project_id
        JOIN resources r ON r.id = c.resource_id
        WHERE p.system_project AND r.name = ? AND c.project_capacity = ?
    """
    return int(str(rows(database, statement, VM, limit)[0][0]))


def test_each_step_takes_some_and_the_last_one_sets_the_default(database: Database) -> None:
    start(database)
    assert default(database) == 4
    first = step(database)
    assert first is not None
    assert (first.goes_on, first.began, first.stepped) == (True, LOADED, LATER)
    assert 0 < first.users == having(database, 9) < 5
    assert default(database) == 4
    assert database.read(partial(find_following, name=VM)) == first
    follow_defaults(database, LATER)
    assert (having(database, 9), having(database, 4), default(database)) == (5, 0, 9)
    assert database.read(partial(find_following, name=VM)) is None
    assert last_event(database)[2:4] == ("resource.changed", ALICE.uuid)
    assert step(database) is None
    changed = [event["after"]["users"] for event in events(database, "resource.default_followed")]
    assert sum(changed) == 5


def events(database: Database, kind: str) -> list[dict[str, dict[str, int]]]:
    found = astakos(database, "audit", "--kind", kind, "--json").document
    return list(found)


def test_it_ends_if_the_default_is_changed_meanwhile_and_that_is_told(database: Database) -> None:
    start(database)
    step(database)
    astakos(database, "resource", "set", VM, "--default", "7")
    ended = step(database)
    assert ended is not None
    assert (ended.goes_on, ended.stopped) == (False, CHANGED_MEANWHILE)
    assert last_event(database)[2] == "resource.default_follow_stopped"
    follow_defaults(database, LATER)
    assert default(database) == 7
    assert having(database, 9) == ended.users
    start(database, 8)


def test_it_is_stopped_and_only_one_goes_on(database: Database) -> None:
    start(database)
    step(database)
    with pytest.raises(StateError, match="wait, or stop that first"):
        start(database, 8)
    asked = ["resource", "set", VM, "--default", "8", "--existing-users", "follow", "--yes"]
    assert "stop that first" in refused(database, *asked)
    stop = partial(stop_following, actor=ACTOR, name=VM, now=LATER)
    assert database.change(stop).users > 0
    with pytest.raises(StateError, match="nobody follows"):
        database.change(stop)
    follow_defaults(database, LATER)
    assert default(database) == 4
    for name, limit in (("x", 1), (VM, -1)):
        with pytest.raises(StateError):
            database.change(partial(start_following, actor=ACTOR, name=name, limit=limit, now=LOADED))


def test_housekeeping_leaves_the_rest_for_later(database: Database) -> None:
    start(database)
    follow_defaults(database, LATER, lambda: True)
    assert having(database, 9) == 0
    turns = iter([False, True])
    follow_defaults(database, LATER, lambda: next(turns))
    assert 0 < having(database, 9) < 5


def test_the_running_service_takes_some_steps_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(database)
    assert asyncio.run(begin_to_follow(Service(database, BASE_URL), VM)) is None
    assert (default(database), having(database, 4)) == (9, 0)
    monkeypatch.setattr(default_limits, "AT_A_TIME", 1)
    monkeypatch.setattr("astakos.service.default_limits.MOST_STEPS", 2)
    start(database, 5)
    left = asyncio.run(begin_to_follow(Service(database, BASE_URL), VM))
    assert left is not None
    assert left.goes_on
