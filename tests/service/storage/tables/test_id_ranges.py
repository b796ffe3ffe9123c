"""Whatever walks through the ids of a table skips those that it does not have."""

from itertools import pairwise

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.administration.usage_leaders import find_leaders
from astakos.doctor.examination import examine
from astakos.doctor.findings import Level
from astakos.storage.protocol import Database
from astakos.storage.tables.id_ranges import filled_ranges
from astakos.storage.tables.usage_leaders import NEXT_ID, Ranking
from astakos.storage.tables.usage_over import read_reached
from service.installation import holdings, rows
from service.world import LAB, LOADED, VM, project_key

pytestmark = pytest.mark.every_engine

FAR = 2**61
"""As an archive could have them: walking there in steps would take years."""


@pytest.fixture
def sparse(database: Database) -> Database:
    """The world, in which the holding of a project, and a membership, are far behind all others."""
    rows(database, "DELETE FROM quota_alerts")
    rows(
        database,
        "UPDATE holdings SET id = ?, usage_min = 1, usage_max = 1, settled = 1 "
        "WHERE holder = ? AND source = '' AND resource = ?",
        FAR,
        f"project:{LAB}",
        VM,
    )
    rows(database, "UPDATE memberships SET id = ? WHERE id = (SELECT max(id) FROM memberships)", FAR)
    return database


def test_ranges_begin_at_rows(sparse: Database) -> None:
    with sparse.snapshot() as reader:
        found = list(filled_ranges(reader, NEXT_ID, 4))
    assert found[0] == (0, 4)
    assert found[-1] == (FAR - 1, FAR + 3)
    assert all(before[1] <= after[0] for before, after in pairwise(found))


def test_the_leader_and_who_is_near_a_limit_are_found(sparse: Database) -> None:
    with sparse.snapshot() as reader:
        leaders = find_leaders(reader, VM, LOADED)
        assert leaders is not None
        assert FAR in leaders[Ranking.USAGE]
        after: int | None = 0
        reached = []
        while after is not None:
            page, after = read_reached(reader, 1, after)
            reached += [one.id for one in page]
    assert FAR in reached


def test_the_doctor_examines_all_holdings(sparse: Database) -> None:
    found = {one.check.name: one for one in examine(sparse, LOADED, None, lambda *_: None)}
    assert found["holdings"].level is Level.FAULT
    assert LAB in found["holdings"].findings[0].text


def test_a_new_resource_comes_to_all(sparse: Database) -> None:
    load(sparse, StateDocument(resources=[ResourceEntry(name="new", service="compute_api")]), LOADED)
    assert project_key(LAB, "new") in holdings(sparse)
