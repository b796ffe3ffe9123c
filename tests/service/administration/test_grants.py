"""Grants are made at the levels that they lift, once, and can be revoked; documents have them."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from astakos.administration.dump import dump
from astakos.administration.grants import GrantPlace, Terms, add_grant, place_of, revoke_grant
from astakos.administration.journal import Journal
from astakos.administration.limit_updates import sync_project_and_memberships
from astakos.administration.load import load
from astakos.administration.state_document import GrantEntry, ResourceEntry, StateDocument, StateError
from astakos.clock import DAY, to_iso
from astakos.events.event import OPERATOR
from astakos.ledger.grants import NEVER
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.periods import Unit
from astakos.ledger.rules import UNLIMITED, Holding, Key
from astakos.storage.protocol import Database
from astakos.storage.tables import grants
from astakos.storage.tables.grants import LAST, Place, State
from service.installation import all_rows, holdings, last_event, rows
from service.world import ALICE, BOB, LAB, LOADED, RAM, VM, member_key, project_key

pytestmark = pytest.mark.every_engine

DAILY, RATE = f"{VM}/day", f"{VM}/per-minute"
METERS = [
    ResourceEntry(name=DAILY, service="compute_api", meter=MeterDefinition(unit=Unit.DAY)),
    ResourceEntry(name=RATE, service="compute_api", meter=MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE)),
]
OWN, MEMBER, PROJECT = (
    GrantPlace(ALICE.uuid, None, VM),
    GrantPlace(ALICE.uuid, LAB, VM),
    GrantPlace(None, LAB, VM),
)
TERMS = Terms(50, LOADED, LOADED + DAY)


@dataclass
class Granting:
    database: Database
    numbers: list[int] = field(default_factory=list)

    def add(self, place: GrantPlace, terms: Terms = TERMS) -> int:
        def change(connection: Any) -> int:
            with Journal(connection, OPERATOR, LOADED) as journal:
                return add_grant(connection, journal, place, terms, LOADED)

        return self.database.change(change)

    def revoke(self, number: int) -> None:
        def change(connection: Any) -> None:
            with Journal(connection, OPERATOR, LOADED) as journal:
                revoke_grant(connection, journal, number, reason="an error")

        self.database.change(change)

    def refusal(self, place: GrantPlace, **terms: Any) -> str:
        before = all_rows(self.database)
        with pytest.raises(StateError) as caught:
            self.add(place, TERMS._replace(**terms))
        assert all_rows(self.database) == before
        return str(caught.value)


@pytest.fixture
def granting(database: Database) -> Granting:
    load(database, StateDocument(resources=METERS), LOADED)
    return Granting(database)


def of_grant(key: Key, number: int) -> Key:
    return key._replace(resource=f"{VM}/grant-{number}")


def added(database: Database, before: dict[Key, Holding]) -> dict[Key, Holding]:
    return {key: holding for key, holding in holdings(database).items() if key not in before}


def test_a_grant_is_made_at_the_levels_whose_limits_are_its_holders(granting: Granting) -> None:
    before = holdings(granting.database)
    own, member, project = (granting.add(place) for place in (OWN, MEMBER, PROJECT))
    assert added(granting.database, before) == {
        of_grant(member_key(ALICE, ALICE.uuid), own): Holding(50),
        of_grant(project_key(ALICE.uuid), own): Holding(50),
        of_grant(member_key(ALICE), member): Holding(50),
        of_grant(project_key(), project): Holding(50),
    }
    with granting.database.snapshot() as reader:
        for number, place in ((own, OWN), (member, MEMBER), (project, PROJECT)):
            found = grants.find(reader, number)
            assert place_of(found[0].key) == place
            assert (found[0].left, found[0].state) == (50, State.OPEN)
        assert [one.number for one in grants.list_all(reader)] == [own, member, project]
        assert [one.number for one in grants.list_open(reader, most=9)] == [project, member, own]
        listed = grants.list_of_holder(reader, f"user:{ALICE.uuid}", most=9)
        assert [one.number for one in listed] == [member, own]
        listed = grants.list_of_holder(reader, f"user:{ALICE.uuid}", before=member, most=9)
        assert [one.number for one in listed] == [own]


def test_changes_to_a_project_leave_its_grants_and_give_its_members_none(granting: Granting) -> None:
    granting.add(PROJECT)
    granting.add(OWN)
    before = holdings(granting.database)
    for project in (LAB, ALICE.uuid):

        def change(connection: Any, project: str = project) -> None:
            sync_project_and_memberships(connection, project)

        granting.database.change(change)
    load(granting.database, dump(granting.database), LOADED)
    assert holdings(granting.database) == before


def test_what_it_lifts_can_be_named(granting: Granting) -> None:
    number = granting.add(MEMBER, TERMS._replace(lifts=("per-minute", DAILY)))
    with granting.database.snapshot() as reader:
        assert grants.find(reader, number)[0].lifts == (DAILY, RATE)
    assert granting.refusal(MEMBER, lifts=("month",)) == (
        f"{VM} has no meter 'month'; it has {DAILY}, {RATE}"
    )
    assert "must lift something" in granting.refusal(MEMBER, lifts=())


def test_terms_that_make_no_sense_are_refused(granting: Granting) -> None:
    assert "from 1 to" in granting.refusal(MEMBER, amount=0)
    assert "from 1 to" in granting.refusal(MEMBER, amount=UNLIMITED)
    assert "expire after it starts" in granting.refusal(MEMBER, expires=LOADED)
    assert "longer than 1000" in granting.refusal(MEMBER, note="x" * 1001)
    assert "has no meter" in granting.refusal(MEMBER._replace(resource=RAM))
    assert granting.refusal(GrantPlace(ALICE.uuid, BOB.uuid, VM)) == (
        f"user {ALICE.uuid} has no quota of {VM} in project {BOB.uuid}"
    )
    load(
        granting.database,
        StateDocument(resources=[msgspec.structs.replace(METERS[1], name=f"{RAM}/per-minute")]),
        LOADED,
    )
    assert "only rates" in granting.refusal(MEMBER._replace(resource=RAM))


def test_a_holding_has_a_bounded_number_of_grants_that_count(
    granting: Granting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("astakos.administration.grants.MOST_OPEN", 2)
    first = granting.add(MEMBER)
    granting.add(MEMBER, TERMS._replace(starts=LOADED - 2 * DAY, expires=LOADED))
    granting.add(MEMBER)
    assert "2 grants" in granting.refusal(MEMBER)
    granting.revoke(first)
    granting.add(MEMBER)


def test_it_can_be_revoked_once(granting: Granting) -> None:
    number = granting.add(OWN)
    granting.revoke(number)
    with granting.database.snapshot() as reader:
        assert {(one.state, one.left) for one in grants.find(reader, number)} == {(State.REVOKED, 0)}
        assert grants.list_open(reader, most=9) == []
    assert "grant.revoked" in last_event(granting.database)
    with pytest.raises(StateError, match="revoked already"):
        granting.revoke(number)
    with pytest.raises(StateError, match="no grant 99"):
        granting.revoke(99)


def test_the_next_to_expire_can_be_found(granting: Granting) -> None:
    late = granting.add(MEMBER, TERMS._replace(expires=LOADED + 3 * DAY))
    soon = granting.add(OWN, TERMS._replace(expires=LOADED + 2 * DAY))
    granting.revoke(granting.add(MEMBER, TERMS._replace(expires=LOADED + 2 * DAY)))
    granting.add(MEMBER, TERMS._replace(expires=NEVER))
    with granting.database.snapshot() as reader:
        found = grants.list_expiring(reader, Place(LOADED, LAST), LOADED + 3 * DAY, 9)
        assert [one.number for one in found] == [soon, late]
        found = grants.list_expiring(reader, Place(LOADED + 2 * DAY, LAST), LOADED + 3 * DAY, 9)
        assert [one.number for one in found] == [late]


def test_what_is_dumped_can_be_loaded(granting: Granting, empty: Database) -> None:
    granting.add(OWN, TERMS._replace(expires=NEVER, note="größer"))
    granting.add(MEMBER, TERMS._replace(lifts=(RATE,), priority=3))
    granting.revoke(granting.add(PROJECT))
    document = dump(granting.database)
    load(empty, document, LOADED)
    assert dump(empty).grants == document.grants
    before = all_rows(empty)
    load(empty, document, LOADED)
    assert all_rows(empty) == before


def entry(**changes: Any) -> StateDocument:
    found = GrantEntry(number=7, user=ALICE.uuid, project=LAB, resource=VM, amount=50, starts=to_iso(LOADED))
    return StateDocument(grants=[msgspec.structs.replace(found, **changes)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount": 51}, "amount 50, and grants do not change"),
        ({"user": BOB.uuid}, "and grants do not change"),
        ({"lifts": [DAILY]}, "lifts None, and grants do not change"),
        ({"expires": to_iso(LOADED + DAY)}, "expires None, and grants do not change"),
        ({"number": 8, "amount": 0}, "from 1 to"),
        ({"number": 8, "user": None, "project": None}, "of a user, or of a project"),
        ({"number": 8, "starts": "today"}, "ISO 8601"),
    ],
)
def test_a_document_makes_grants_and_changes_none(
    granting: Granting, changes: dict[str, Any], message: str
) -> None:
    load(granting.database, entry(), LOADED)
    assert rows(granting.database, "SELECT number, state FROM grants") == [(7, "open")]
    with pytest.raises(StateError, match=message):
        load(granting.database, entry(**changes), LOADED)
    load(granting.database, entry(revoked=True), LOADED)
    assert rows(granting.database, "SELECT number, state FROM grants") == [(7, "revoked")]
    with pytest.raises(StateError, match="stays so"):
        load(granting.database, entry(), LOADED)


def test_no_meter_can_have_the_name_of_a_grant(granting: Granting) -> None:
    named = msgspec.structs.replace(METERS[0], name=f"{VM}/grant-7")
    with pytest.raises(StateError, match="name of a grant"):
        load(granting.database, StateDocument(resources=[named]), LOADED)
