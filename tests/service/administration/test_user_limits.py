import pytest

from astakos.administration.state_document import StateError
from astakos.administration.user_limits import set_capacity
from astakos.events.event import OPERATOR
from astakos.ledger.rules import UNLIMITED, Holding
from astakos.projects.project import Capacity
from astakos.storage.protocol import Database
from service.installation import all_rows, holdings, rows
from service.world import ALICE, BOB, HALTED, LAB, LOADED, RAM, UNKNOWN_UUID, VM, member_key, project_key

pytestmark = pytest.mark.every_engine


def set_(database: Database, project: str, resource: str, capacity: Capacity) -> None:
    with database.transaction() as connection:
        set_capacity(connection, OPERATOR, project, resource, capacity, LOADED)


def test_a_capacity_becomes_the_limit_at_both_levels_and_usage_stays(database: Database) -> None:
    key, project = member_key(ALICE, ALICE.uuid), project_key(ALICE.uuid)
    rows(database, "UPDATE holdings SET usage_min = 3, usage_max = 4 WHERE resource = ?", VM)
    before = holdings(database)
    set_(database, ALICE.uuid, VM, Capacity(1, 1))
    assert holdings(database) == before | {key: Holding(1, 3, 4), project: Holding(1, 3, 4)}
    set_(database, ALICE.uuid, VM, Capacity(UNLIMITED, UNLIMITED))
    assert holdings(database)[key] == Holding(UNLIMITED, 3, 4)


def test_each_member_of_a_project_gets_the_limit(database: Database) -> None:
    set_(database, LAB, VM, Capacity(100, 50))
    found = holdings(database)
    assert [found[key].limit for key in (project_key(), member_key(ALICE), member_key(BOB))] == [100, 50, 50]


def test_in_a_stopped_project_a_capacity_waits_for_better_times(database: Database) -> None:
    before = holdings(database)
    set_(database, HALTED, VM, Capacity(100, 50))
    assert holdings(database) == before


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("project", "resource", "capacity", "reason"),
    [
        (UNKNOWN_UUID, VM, Capacity(1, 1), "there is no project"),
        (LAB, "nothing", Capacity(1, 1), "there is no resource 'nothing'"),
        (LAB, RAM, Capacity(-1, -1), "from 0 to"),
        (LAB, RAM, Capacity(1, 2), "must not be larger"),
        (LAB, RAM, Capacity(2**63, 1), "from 0 to"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    database: Database, project: str, resource: str, capacity: Capacity, reason: str
) -> None:
    before = all_rows(database)
    with pytest.raises(StateError, match=reason):
        set_(database, project, resource, capacity)
    assert all_rows(database) == before
