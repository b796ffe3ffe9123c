import pytest

from astakos.storage.protocol import Database
from astakos.storage.tables import clock_records
from service.command import astakos, refused
from service.installation import rows
from service.world import LAB

pytestmark = pytest.mark.every_engine
END_EXPIRED = ("project", "end-expired")
NOTHING = "There is no active or suspended project whose end date has passed.\n"


def state(database: Database) -> object:
    return rows(database, "SELECT state FROM projects WHERE uuid = ?", LAB)[0][0]


def test_expired_projects_are_listed_and_ended(database: Database) -> None:
    assert astakos(database, *END_EXPIRED).output == NOTHING
    rows(database, "UPDATE projects SET end_date = 1000000 WHERE uuid = ?", LAB)
    listed = astakos(database, *END_EXPIRED, "--dry-run")
    told = f"lab.example.org ({LAB}) {{}}: its end date was 1970-01-01 00:00:01Z.\n"
    assert (listed.status, listed.output, state(database)) == (0, told.format("would end"), "active")
    ended = astakos(database, *END_EXPIRED)
    assert (ended.status, ended.output, state(database)) == (0, told.format("has ended"), "terminated")
    assert astakos(database, *END_EXPIRED).output == NOTHING
    ((origin, reason),) = rows(
        database, "SELECT origin, reason FROM events WHERE kind = 'project.terminated'"
    )
    assert (origin, "1970-01-01" in str(reason)) == ("command", True)


def test_nothing_ends_by_a_clock_that_is_wrong(database: Database) -> None:
    database.change(lambda connection: clock_records.save(connection, anchor=None, is_held=True))
    assert "astakos clock accept" in refused(database, *END_EXPIRED)
