"""Projects within projects in documents: loaded in any order, dumped, and moved with what they use."""

import contextlib

import msgspec
import pytest

from astakos.administration.dump import dump
from astakos.administration.load import load
from astakos.administration.state_document import CapacityEntry, ProjectEntry, StateDocument, StateError
from astakos.ledger.batch import perform
from astakos.ledger.counts import MOST_LEVELS
from astakos.ledger.operations import Issue, Resolve
from astakos.ledger.rules import Provision
from astakos.projects.project import ProjectState
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.installation import holdings, rows
from service.world import ALICE, FAR, LOADED, UNKNOWN_UUID, VM, project_key

pytestmark = pytest.mark.every_engine

COMPUTE = 1


def uuid(number: int) -> str:
    return f"000000b{number}-0000-4000-8000-0000000000b{number}"


TEAM, DEPARTMENT, ORGANIZATION, OTHER = map(uuid, range(4))


def project(number: int, parent: str | msgspec.UnsetType | None = None) -> ProjectEntry:
    capacity = CapacityEntry(project_capacity=9, member_capacity=9)
    return ProjectEntry(
        uuid=uuid(number),
        name=f"p{number}.example.org",
        end_date=FAR,
        resources={VM: capacity},
        parent=parent,
    )


def loaded(database: Database, *entries: ProjectEntry) -> None:
    load(database, StateDocument(projects=list(entries)), LOADED)


def tree(database: Database) -> None:
    """The children come before their parents."""
    loaded(database, project(0, DEPARTMENT), project(1, ORGANIZATION), project(2), project(3))


def charge(database: Database, quantity: int, *, auto_accept: bool = True) -> None:
    with contextlib.closing(ledger_storage(database)) as store:
        issue = Issue(COMPUTE, (Provision(project_key(TEAM), quantity),), auto_accept=auto_accept, force=True)
        perform(store, [issue], LOADED)


def usage(database: Database) -> list[int]:
    found = holdings(database)
    return [found[project_key(one)].usage_max for one in (TEAM, DEPARTMENT, ORGANIZATION, OTHER)]


def test_a_tree_is_loaded_and_dumped(database: Database, new: Database) -> None:
    tree(database)
    charge(database, 4)
    assert usage(database) == [4, 4, 4, 0]
    document = dump(database)
    parents = {entry.uuid: entry.parent for entry in document.projects if entry.parent}
    assert parents == {TEAM: DEPARTMENT, DEPARTMENT: ORGANIZATION}
    new.open()
    load(new, document, LOADED)
    charge(new, 4)
    assert usage(new) == [4, 4, 4, 0]
    moves = rows(database, "SELECT project, before, after FROM events WHERE kind = 'project.moved'")
    assert len(moves) == 2


def test_a_document_moves_a_project_with_what_it_uses_whatever_the_limits_are(database: Database) -> None:
    tree(database)
    charge(database, 12)
    loaded(database, project(0, OTHER))
    assert usage(database) == [12, 0, 0, 12]
    loaded(database, project(0, msgspec.UNSET))
    assert usage(database) == [12, 0, 0, 12]
    loaded(database, project(0))
    assert usage(database) == [12, 0, 0, 0]


def test_a_project_of_which_something_is_pending_stays(database: Database) -> None:
    tree(database)
    charge(database, 4, auto_accept=False)
    with pytest.raises(StateError, match=rf"commissions of {VM} are pending.*projects\[0\]\.parent"):
        loaded(database, project(0, OTHER))
    with contextlib.closing(ledger_storage(database)) as store:
        perform(store, [Resolve(COMPUTE, frozenset([1]))], LOADED)
    loaded(database, project(0, OTHER))
    assert usage(database) == [4, 0, 0, 4]


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (project(2, TEAM), "circle"),
        (project(2, ORGANIZATION), "circle"),
        (project(0, UNKNOWN_UUID), "there is no project"),
        (project(0, ALICE.uuid), "a system project"),
    ],
)
def test_a_parent_that_cannot_be_one_is_refused(
    database: Database, entry: ProjectEntry, message: str
) -> None:
    tree(database)
    with pytest.raises(StateError, match=message):
        loaded(database, entry)


def test_what_is_too_deep_is_refused(database: Database) -> None:
    chain = [project(number, uuid(number - 1) if number else None) for number in range(MOST_LEVELS + 1)]
    with pytest.raises(StateError, match=f"at most {MOST_LEVELS} deep"):
        loaded(database, *chain)
    loaded(database, *chain[:-1])


def test_a_parent_that_has_ended_can_be_loaded(database: Database, new: Database) -> None:
    tree(database)
    ended = msgspec.structs.replace(project(2), state=ProjectState.TERMINATED)
    loaded(database, ended)
    new.open()
    load(new, dump(database), LOADED)
    assert holdings(new)[project_key(ORGANIZATION)].limit == 0
    charge(new, 4)
    assert usage(new) == [4, 4, 4, 0]
