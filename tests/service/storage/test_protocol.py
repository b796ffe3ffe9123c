"""What holds for every database."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from astakos.storage.errors import DatabaseError
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection, Database
from astakos.storage.schema.revisions import REVISION
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.engines import Engine
from service.installation import all_rows, rows

pytestmark = pytest.mark.every_engine

COUNT = "SELECT count(*) FROM groups"
MORE = "INSERT INTO groups (name) VALUES ('more')"


@pytest.mark.parametrize(
    "url", ["", "astakos.db", "sqlite:", "postgresql:", "file:///x", "mysql://u:secret@h/n"]
)
def test_what_names_no_database_is_refused_with_examples(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"sqlite:///astakos\.db .* postgresql://") as caught:
        database_of(url)
    assert "secret" not in str(caught.value)


def test_opening_again_changes_nothing(database: Database) -> None:
    before = all_rows(database)
    database.open()
    database.open(create=False)
    assert all_rows(database) == before
    assert before["alembic_version"] == [(REVISION,)]


def test_who_only_looks_makes_no_installation(new: Database) -> None:
    with pytest.raises(
        DatabaseError,
        match=r"there is no .*; name another one .*, or create one with .* or `astakos migrate --create`",
    ):
        new.open(create=False)
    with pytest.raises(DatabaseError):
        new.open(create=False)


def test_a_database_of_something_else_is_refused_and_left_as_it_is(new: Database) -> None:
    if isinstance(new, SQLiteDatabase):
        # A connection never creates the file.
        new.path.touch()
    rows(new, "CREATE TABLE birds (name TEXT)")
    for create in (True, False):
        with pytest.raises(DatabaseError, match="is not an Astakos database"):
            new.open(create=create)
    assert all_rows(new) == {"birds": []}


@pytest.mark.parametrize(
    ("revision", "advice"),
    [
        ("0000", "make a backup, then run `astakos migrate`"),
        ("0999", "use the version that created it"),
    ],
)
def test_another_revision_is_refused_by_name_and_left_as_it_is(
    database: Database, revision: str, advice: str
) -> None:
    rows(database, "UPDATE alembic_version SET version_num = ?", revision)
    before = all_rows(database)
    with pytest.raises(DatabaseError, match=rf"revision {revision} .*revision {REVISION}; {advice}"):
        database.open()
    assert all_rows(database) == before


def test_a_transaction_that_fails_is_undone(database: Database) -> None:
    before = all_rows(database)

    def fail(connection: Connection) -> None:
        connection.execute("DELETE FROM holdings")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.change(fail)
    assert all_rows(database) == before


def test_a_change_answers_what_its_work_answers(database: Database) -> None:
    def work(connection: Connection) -> int:
        connection.execute(MORE)
        return 5

    assert database.change(work) == 5
    assert rows(database, COUNT) == [(4,)]


def test_readers_see_what_was_committed_last(database: Database) -> None:
    reader = database.reader()
    assert database.reader() is reader
    assert reader.execute(COUNT).fetchone() == (3,)
    with database.transaction() as connection:
        connection.execute(MORE)
        assert reader.execute(COUNT).fetchone() == (3,)
    assert reader.execute(COUNT).fetchone() == (4,)


def test_a_snapshot_stays_as_it_was(database: Database) -> None:
    def read_twice(connection: Connection) -> tuple[object, object]:
        before = connection.execute(COUNT).fetchone()
        rows(database, MORE)
        return before, connection.execute(COUNT).fetchone()

    assert database.read(read_twice, snapshot=True) == ((3,), (3,))
    assert database.reader().execute(COUNT).fetchone() == (4,)


def test_a_reader_can_not_write(database: Database) -> None:
    before = all_rows(database)
    with pytest.raises(Exception, match=r"read-?only"):
        database.reader().execute("DELETE FROM holdings")
    assert all_rows(database) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE holdings SET usage_min = -1",
        "UPDATE holdings SET usage_min = 5, usage_max = 4",
        "UPDATE holdings SET \"limit\" = 'many'",
        "UPDATE users SET email = NULL",
        "UPDATE users SET username = 'the same'",
        "DELETE FROM users",
    ],
)
def test_the_storage_itself_refuses_what_can_not_be(database: Database, change: str) -> None:
    before = all_rows(database)
    with pytest.raises(Exception, match=r"(?i)constraint|store TEXT|invalid input"):
        rows(database, change)
    assert all_rows(database) == before


def test_who_administers_waits_for_the_one_who_does_already(database: Database) -> None:
    order: list[str] = []

    def second(connection: Connection) -> None:
        order.append("second began")
        assert connection.execute(COUNT).fetchone() == (4,)

    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as connection:
            waiting = pool.submit(database.change, second)
            connection.execute(MORE)
            time.sleep(0.1)
            order.append("first ended")
        waiting.result()
    assert order == ["first ended", "second began"]


def test_many_may_open_a_new_database_at_once(engine: Engine, tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        new = engine.new(tmp_path / str(number))
        databases = [database_of(new.url) for _ in range(6)]
        with ThreadPoolExecutor(len(databases)) as threads:
            list(threads.map(lambda database: database.open(), databases))
        assert all_rows(new)["alembic_version"] == [(REVISION,)]
        engine.discard(new)
