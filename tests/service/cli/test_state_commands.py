import json
from pathlib import Path

import pytest

from astakos.administration.state_document import write_document
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.command import astakos, created, refused
from service.installation import all_rows
from service.world import SECRETS, world

pytestmark = pytest.mark.every_engine


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "state.json"
    path.write_bytes(write_document(world()))
    return path


def test_what_is_loaded_is_counted_and_can_be_dumped(new: Database, document: Path) -> None:
    loaded = astakos(new, "load", str(document))
    assert (loaded.status, loaded.errors) == (0, created(new))
    assert loaded.output == (
        "Loaded settings, 3 components, 2 services, 4 resources, 9 users, 3 projects, "
        "1 OAuth2 client, 1 OAuth2 token.\n"
    )
    dumped = astakos(new, "dump")
    assert dumped.status == 0
    assert [user["email"] for user in dumped.document["users"]] == [user.email for user in world().users]
    assert not [secret for secret in SECRETS if secret in dumped.output]


def test_it_is_said_if_only_settings_are_loaded(database: Database) -> None:
    document = '{"settings": {"webhook_networks": ["10.0.0.0/8"]}}'
    assert astakos(database, "load", "-", stdin=document).output == "Loaded settings.\n"
    assert astakos(database, "load", "-", stdin="{}").output == "The document declares nothing.\n"


def test_a_dump_can_be_loaded_from_standard_input(tmp_path: Path, database: Database, new: Database) -> None:
    dumped = astakos(database, "dump").output
    path = tmp_path / "dump.json"
    path.write_text(dumped)
    assert astakos(new, "load", str(path)).status == 0
    assert astakos(new, "dump").output == dumped


def test_loading_twice_changes_nothing(database: Database, document: Path) -> None:
    before = all_rows(database)
    assert astakos(database, "load", str(document)).status == 0
    assert all_rows(database) == before


def test_a_mistake_is_named_in_one_line_and_nothing_is_loaded(database: Database, document: Path) -> None:
    changed = json.loads(document.read_text())
    changed["users"][2]["email"] = "nobody"
    changed["users"][0]["last_name"] = "Changed"
    document.write_text(json.dumps(changed))
    before = all_rows(database)
    line = refused(database, "load", str(document))
    assert line == "it must be an email address like alice@example.org - at `$.users[2].email`"
    changed["users"][2]["email"] = None
    document.write_text(json.dumps(changed))
    assert "$.users[2].email" in refused(database, "load", str(document))
    assert all_rows(database) == before


def make_a_mistake(document: Path) -> None:
    """One that is only noticed once the database is open."""
    changed = json.loads(document.read_text())
    changed["users"][2]["email"] = "nobody"
    document.write_text(json.dumps(changed))


def test_a_mistake_leaves_no_new_file_and_says_if_there_are_new_tables(
    new: Database, document: Path, tmp_path: Path
) -> None:
    make_a_mistake(document)
    before = sorted(tmp_path.iterdir())
    done = astakos(new, "load", str(document))
    assert (done.status, done.output) == (1, "")
    is_file = isinstance(new, SQLiteDatabase)
    assert done.errors.startswith("Error: " if is_file else created(new) + "Error: ")
    assert sorted(tmp_path.iterdir()) == before
    assert astakos(new, "load", "-", stdin="{}").errors == (created(new) if is_file else "")


def test_an_empty_file_that_was_there_stays(new: Database, document: Path) -> None:
    if isinstance(new, SQLiteDatabase):
        new.path.touch()
    make_a_mistake(document)
    done = astakos(new, "load", str(document))
    assert (done.status, done.errors.startswith(created(new))) == (1, True)
    assert astakos(new, "user", "list", "--json").document == []


def test_files_that_can_not_be_used_are_named_in_one_line(tmp_path: Path, database: Database) -> None:
    assert "none.json cannot be read" in refused(database, "load", str(tmp_path / "none.json"))
    text = tmp_path / "text.json"
    text.write_text("nonsense")
    assert "text.json is not JSON" in refused(database, "load", str(text))
    assert "cannot be used as a database" in refused(f"sqlite:///{text}", "dump")
    assert "there is no database" in refused(f"sqlite:///{tmp_path}/none.db", "dump")
    assert "sqlite:///astakos.db" in refused("mysql://x/y", "dump")
    assert not (tmp_path / "none.db").exists()


def test_an_empty_installation_can_be_dumped(empty: Database) -> None:
    assert astakos(empty, "dump").document == {"settings": {}}
