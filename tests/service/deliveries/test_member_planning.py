"""Members are told by mail of what happens to their project: all of them, once, some at a time."""

from collections.abc import Iterable

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import MemberEntry, Settings, StateDocument, UserEntry
from astakos.deliveries import member_planning, planning
from astakos.deliveries.deliverer import Deliverer, Receivers
from astakos.deliveries.templates import load_templates
from astakos.events.event import OPERATOR, Actor, Event
from astakos.projects.project import Membership, MembershipState
from astakos.storage.protocol import Database
from astakos.storage.tables import deliveries, destinations, events, memberships
from astakos.storage.tables.destinations import MEMBERS
from service.deliveries.mail_server import MailServer, mail_server
from service.deliveries.test_deliverer import NOW
from service.world import ALICE, BASE_URL, BOB, CHLOE, HALTED, LAB

pytestmark = pytest.mark.every_engine

SUSPENDED = Event("project.suspended", OPERATOR, LAB)
TERMINATED = Event("project.terminated", OPERATOR, LAB)
BACK = Event("project.activated", OPERATOR, LAB, before={"state": "terminated"})
BEGUN = Event("project.activated", OPERATOR, LAB, before={"state": "uninitialized"})


def members(database: Database, number: int) -> list[str]:
    """Makes so many new users members of the lab; returns all whom an event about it is told to, in order."""
    new = [
        UserEntry(uuid=f"{place:08x}-0000-4000-8000-00000000000f", email=f"member{place}@example.org")
        for place in range(0x1000, 0x1000 + number)
    ]
    load(database, StateDocument(users=new), NOW)
    joined = [Membership(user.uuid, MembershipState.ACCEPTED, ever_accepted=True) for user in new]
    database.change(lambda connection: memberships.save(connection, LAB, joined))
    # The owner is a member, but told as the owner.
    return [BOB.email, *(user.email for user in new)]


def happen(database: Database, *happened: Event) -> int:
    return database.change(lambda connection: events.record_all(connection, happened, NOW))


def planned(database: Database) -> list[tuple[int, str]]:
    found = deliveries.list_newest(database.reader(), 1000, destination=MEMBERS)
    return [(one.event, one.recipient) for one in found[::-1]]


@pytest.fixture
def deliverer(database: Database, server: MailServer) -> Deliverer:
    receivers = Receivers(BASE_URL, server.mailer, load_templates(None), None)
    made = Deliverer(database, receivers, lambda: NOW, lambda: 0.5)
    made.destinations_with_work()
    return made


@pytest.fixture
def server() -> Iterable[MailServer]:
    with mail_server() as found:
        yield found


def plan_all(database: Database) -> int:
    """Plans until nothing is left; returns the number of transactions."""
    number = 0
    while database.change(lambda c: planning.plan(c, MEMBERS, NOW, has_mail=True)):
        number += 1
    return number


@pytest.mark.usefixtures("deliverer")
@pytest.mark.parametrize(("at_once", "pages"), [(1, 6), (2, 3), (5, 2), (6, 1)])
def test_all_members_are_told_page_by_page(
    database: Database, monkeypatch: pytest.MonkeyPatch, at_once: int, pages: int
) -> None:
    monkeypatch.setattr(member_planning, "MEMBERS_AT_ONCE", at_once)
    told = members(database, 4)
    last = happen(database, BEGUN, SUSPENDED, Event("user.changed", OPERATOR), BACK)
    # Where the last page is full, one more finds that there is none.
    assert plan_all(database) <= 2 * pages + 2
    assert planned(database) == [(number, address) for number in (last - 2, last) for address in told]
    assert plan_all(database) == 0


@pytest.mark.usefixtures("deliverer")
def test_what_waits_for_members_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MOST_PENDING", 3)
    told = members(database, 4)
    number = happen(database, SUSPENDED)
    plan_all(database)
    assert planned(database) == [(number, address) for address in told[:3]]
    monkeypatch.setattr(planning, "MOST_PENDING", 10)
    plan_all(database)
    assert planned(database) == [(number, address) for address in told]


def test_members_read_what_happened_to_their_project(
    database: Database, deliverer: Deliverer, server: MailServer
) -> None:
    happen(database, SUSPENDED._replace(reason="unpaid"), TERMINATED, BACK)
    assert MEMBERS in deliverer.destinations_with_work()
    deliverer.work_through(MEMBERS, lambda: False)
    subjects = ["is suspended", "has ended", "is active again"]
    messages = server.parsed()
    assert [one["Subject"] for one in messages] == [f"The project lab.example.org {s}" for s in subjects]
    assert {one["To"] for one in messages} == {BOB.email}
    # The reason is the owner's.
    assert "unpaid" not in messages[0].get_content()
    assert LAB in messages[0].get_content()


@pytest.mark.usefixtures("deliverer")
def test_members_who_cannot_use_the_project_are_not_told(database: Database) -> None:
    others = [
        MemberEntry(user=BOB.uuid, state=MembershipState.REMOVED),
        MemberEntry(user=CHLOE.uuid, state=MembershipState.REQUESTED),
    ]
    states = [Membership(one.user, one.state, ever_accepted=False) for one in others]
    database.change(lambda connection: memberships.save(connection, LAB, states))
    happen(database, SUSPENDED)
    plan_all(database)
    assert planned(database) == []


@pytest.mark.usefixtures("deliverer")
def test_a_member_is_not_told_of_what_they_did(database: Database) -> None:
    """Administrators can be members."""
    told = members(database, 1)
    number = happen(database, TERMINATED._replace(actor=Actor(BOB.uuid, "192.0.2.7")))
    plan_all(database)
    assert planned(database) == [(number, told[-1])]


@pytest.mark.usefixtures("deliverer")
def test_who_has_asked_to_leave_is_told(database: Database) -> None:
    number = happen(database, Event("project.terminated", OPERATOR, HALTED))
    plan_all(database)
    assert planned(database) == [(number, ALICE.email)]


@pytest.mark.usefixtures("deliverer")
def test_the_members_of_a_system_project_are_not_told(database: Database) -> None:
    happen(database, Event("project.suspended", OPERATOR, BOB.uuid))
    plan_all(database)
    assert planned(database) == []


@pytest.mark.usefixtures("deliverer")
@pytest.mark.parametrize(("most", "is_told"), [(0, False), (2, False), (3, True)])
def test_members_of_large_projects_are_not_told_and_the_log_says_so(
    database: Database, caplog: pytest.LogCaptureFixture, most: int, is_told: bool
) -> None:
    told = members(database, 1)
    load(database, StateDocument(settings=Settings(most_members_told=most)), NOW)
    number = happen(database, SUSPENDED)
    plan_all(database)
    assert planned(database) == ([(number, address) for address in told] if is_told else [])
    warning = f"the 3 members of the project {LAB} are not told of event {number}"
    assert [warning in one for one in caplog.messages] == ([True] if 0 < most < 3 else [])
    found = destinations.find(database.reader(), MEMBERS)
    assert found is not None
    assert found.planned >= number
