"""Mail leads each reader to a page that they see."""

from collections.abc import Mapping
from functools import partial

import pytest

from astakos.administration.administrators import grant_admin
from astakos.administration.project_changes import create_project
from astakos.clock import DAY, MICROSECONDS, to_iso
from astakos.deliveries.reader_pages import page_for
from astakos.events.event import OPERATOR, Actor, Event
from astakos.projects.specification import Specification
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import users
from service.world import ALICE, BOB, CHLOE, GREG, LAB

NOW = 2_000_000_000 * MICROSECONDS
QUEUE = "/ui/admin/projects/applications"
ALL = "/ui/projects"
EVERYBODY = (ALICE.email, BOB.email, CHLOE.email, GREG.email, "help@example.org")


def _make_administrator(connection: Connection) -> None:
    user = users.find_by_uuid(connection, ALICE.uuid)
    assert user is not None
    grant_admin(connection, OPERATOR, user, NOW)


def pages(database: Database, event: Event) -> Mapping[str, str]:
    reader = database.reader()
    return {address: page_for(reader, event, address) for address in EVERYBODY}


@pytest.mark.every_engine
def test_an_application_is_decided_about_where_each_reader_can(database: Database) -> None:
    wanted = Specification(name="new.example.org", end_date=to_iso(NOW + 90 * DAY))
    actor = Actor(BOB.uuid, "192.0.2.1")
    uuid, _ = database.change(partial(create_project, actor=actor, asked=wanted, now=NOW))
    database.change(_make_administrator)
    own = f"{ALL}/{uuid}"
    assert pages(database, Event("application.submitted", actor, uuid, BOB.uuid)) == {
        ALICE.email: QUEUE,
        BOB.email: own,
        CHLOE.email: own,
        GREG.email: ALL,
        "help@example.org": ALL,
    }


def test_who_sees_no_project_is_led_to_those_that_they_see(database: Database) -> None:
    assert pages(database, Event("project.activated", OPERATOR, LAB))[BOB.email] == f"{ALL}/{LAB}"
    for event in (Event("feedback.sent", OPERATOR), Event("project.activated", OPERATOR, "gone")):
        assert set(pages(database, event).values()) == {ALL}
