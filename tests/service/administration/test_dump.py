from pathlib import Path
from typing import Literal

import msgspec
import pytest

from astakos.administration.dump import dump
from astakos.administration.load import load
from astakos.administration.state_document import (
    MemberEntry,
    Settings,
    StateDocument,
    read_document,
    write_document,
)
from astakos.administration.user_limits import set_capacity
from astakos.events.event import OPERATOR
from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import Capacity
from astakos.storage.protocol import Database
from astakos.storage.tables.projects import capacities_of
from service.installation import all_rows, holdings
from service.world import ALICE, BOB, LAB, LOADED, RAM, SECRETS, VM, member_key, world

pytestmark = pytest.mark.every_engine

LATER = LOADED + 86_400_000_000


def copied(document: StateDocument, path: Path) -> StateDocument:
    """A document as it comes back from a file."""
    path.write_bytes(write_document(document))
    return read_document(path.read_bytes(), str(path))


def test_what_was_dumped_and_loaded_is_dumped_again_the_same(
    database: Database, empty: Database, tmp_path: Path
) -> None:
    first = dump(database)
    load(empty, copied(first, tmp_path / "state.json"), LATER)
    assert write_document(dump(empty)) == write_document(first)
    assert holdings(empty) == holdings(database)


def test_limits_of_single_members_are_dumped_and_loaded(database: Database, empty: Database) -> None:
    entry = MemberEntry(user=BOB.uuid, limits={VM: 2})
    lab = world().projects[0]
    lab.members = [ALICE.uuid, entry]
    load(database, StateDocument(projects=[lab]), LATER)
    assert holdings(database)[member_key(BOB)].limit == 2
    dumped = dump(database)
    assert entry in (dumped.projects[0].members or [])
    load(empty, dumped, LATER)
    assert holdings(empty) == holdings(database)


def test_a_dump_that_is_loaded_where_it_comes_from_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    before = all_rows(database)
    load(database, copied(dump(database), tmp_path / "state.json"), LATER)
    assert all_rows(database) == before


def test_who_may_manage_users_is_dumped(database: Database, empty: Database) -> None:
    assert (dump(database).settings.admin_users, dump(database).settings.admin_users_groups) == (None, None)
    load(database, StateDocument(settings=Settings(admin_users=True, admin_users_groups=["staff"])), LATER)
    load(empty, dump(database), LATER)
    found = dump(empty).settings
    assert (found.admin_users, found.admin_users_groups) == (True, ["staff"])


def test_no_secret_stands_in_a_dump(database: Database) -> None:
    content = write_document(dump(database)).decode()
    for secret in SECRETS:
        assert secret not in content
    inactive = sum(not entry.is_active for entry in world().users)
    assert content.count('"sha256:') == len(SECRETS) - 1 - inactive
    assert content.count('"$argon2id$') == 1


def test_secrets_that_were_loaded_as_hashes_count_as_before(database: Database, empty: Database) -> None:
    load(empty, dump(database), LATER)
    hashes = "SELECT uuid, token_hash, password_hash FROM users"
    assert empty.reader().execute(hashes).fetchall() == database.reader().execute(hashes).fetchall()
    # The secrets in clear are still the same.
    before = all_rows(empty)
    load(empty, world(), LATER)
    assert all_rows(empty)["users"] == before["users"]


def test_quotas_are_dumped_where_they_are_not_the_default(database: Database, empty: Database) -> None:
    with database.transaction() as connection:
        set_capacity(connection, OPERATOR, BOB.uuid, RAM, Capacity(5, 5), LATER)
    document = world()
    document.resources[0].system_default = UNLIMITED
    load(database, document, LATER)
    quotas = {entry.uuid: entry.quotas for entry in dump(database).users}
    assert quotas[BOB.uuid] == {VM: 7, RAM: 5}
    load(empty, dump(database), LATER)
    assert holdings(empty) == holdings(database)
    assert holdings(empty)[member_key(BOB, BOB.uuid, RAM)].limit == 5


def test_a_project_is_dumped_with_all_its_capacities(database: Database) -> None:
    (entry,) = (project for project in dump(database).projects if project.uuid == LAB)
    assert {
        name: Capacity(given.project_capacity, given.member_capacity)
        for name, given in entry.resources.items()
    } == capacities_of(database.reader(), LAB)
    assert entry.creation_date == "2030-05-06T07:08:09+00:00"


def test_the_generation_that_is_answered_is_dumped_once_it_is_chosen(database: Database) -> None:
    assert dump(database).settings.compatibility is None
    choices: tuple[Literal["0.14", "newest"], ...] = ("0.14", "newest")
    for chosen in choices:
        load(database, StateDocument(settings=Settings(compatibility=chosen)), LATER)
        assert dump(database).settings.compatibility == chosen


def test_an_empty_installation_has_an_empty_dump(empty: Database) -> None:
    assert msgspec.json.decode(write_document(dump(empty))) == {"settings": {}}
