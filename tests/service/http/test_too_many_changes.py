from functools import partial

import pytest

from astakos.clock import MICROSECONDS, now
from astakos.events.change_allowance import ALLOWANCES, KEYS_A_DAY, OF_APPLICATIONS, OF_MEMBERSHIP
from astakos.events.event import Actor, Event
from astakos.storage.protocol import Database
from astakos.storage.tables import events
from service.caller import ACCOUNT, Caller
from service.http.keyed import KEYS, made
from service.http.projects.lives import NEW, PROJECTS
from service.installation import rows
from service.world import ALICE, BOB, CHLOE, LAB, VM

MOST = ALLOWANCES[0].most
DEFAULT_PROJECT = f"{ACCOUNT}/myaccount/default_project"
MEMBERSHIPS = f"{PROJECTS}/memberships"
COUNT = "SELECT COUNT(*) FROM events"


def use_up(
    database: Database,
    user: str,
    kind: str = "user.changed",
    number: int = MOST,
    project: str | None = None,
    subject: str | None = None,
) -> None:
    change = Event(kind, Actor(user, "192.0.2.7"), project, subject or user, after={"a": "b"})
    database.change(partial(events.record_all, happened=[change] * number, now=now() - MICROSECONDS))


@pytest.mark.every_engine
def test_a_call_that_changes_something_is_refused_and_says_for_how_long(
    service: Caller, database: Database
) -> None:
    use_up(database, ALICE.uuid)
    before = rows(database, COUNT)
    reply = service.post(DEFAULT_PROJECT, ALICE.token, {"project_id": LAB})
    assert (reply.status, reply.fault) == (429, "overLimit")
    assert 3540 < int(reply.headers["retry-after"]) <= 3600
    assert reply.message == "You have made too many changes; nothing was changed. Try again in 60 minutes."
    assert rows(database, COUNT) == before
    assert service.get(f"{ACCOUNT}/quotas", ALICE.token).status == 200, "reading goes on"
    assert service.post(DEFAULT_PROJECT, BOB.token, {"project_id": LAB}).status == 200, "so do others"


@pytest.mark.every_engine
def test_the_holdings_of_keys_stay_so_a_user_makes_so_many_keys_a_day(
    service: Caller, database: Database
) -> None:
    use_up(database, ALICE.uuid, "key.created", KEYS_A_DAY - 1)
    prefix = made(service, ALICE.token, limits={VM: 1})["prefix"]
    before = rows(database, "SELECT COUNT(*) FROM holdings"), rows(database, COUNT)
    reply = service.post(KEYS, ALICE.token, {"name": "one more", "limits": {VM: 1}})
    assert (reply.status, reply.fault) == (429, "overLimit")
    assert 82_800 < int(reply.headers["retry-after"]) <= 86_400
    assert reply.message == (
        "You have made too many keys within a day; no further one was made. Try again in 24 hours."
    )
    assert (rows(database, "SELECT COUNT(*) FROM holdings"), rows(database, COUNT)) == before
    rotation = service.post(f"{KEYS}/{prefix}/action", ALICE.token, {"rotate": {}})
    assert rotation.status == 200, "other changes go on"
    made(service, BOB.token)


@pytest.mark.every_engine
def test_what_others_are_mailed_about_is_refused_by_name(service: Caller, database: Database) -> None:
    use_up(database, ALICE.uuid, "membership.enrolled", OF_MEMBERSHIP.most, LAB, CHLOE.uuid)
    use_up(database, ALICE.uuid, "application.submitted", OF_APPLICATIONS.most, LAB, ALICE.uuid)
    before = rows(database, COUNT)
    enroll = {"enroll": {"project": LAB, "user": CHLOE.email}}
    for path, body, what in (
        (MEMBERSHIPS, enroll, "changed this membership too often"),
        (PROJECTS, NEW, "sent too many applications"),
    ):
        reply = service.post(path, ALICE.token, body)
        assert (reply.status, reply.fault) == (429, "overLimit")
        assert 82_800 < int(reply.headers["retry-after"]) <= 86_400
        assert reply.message == (f"You have {what} within a day; nothing was changed. Try again in 24 hours.")
    assert rows(database, COUNT) == before
    made(service, ALICE.token)
