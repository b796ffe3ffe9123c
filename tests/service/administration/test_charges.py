import contextlib
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from astakos.administration.charges import NAME, PENDING_APPLICATIONS, charge_pending_applications
from astakos.administration.limit_updates import sync_resource
from astakos.directory.entities import Resource
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued, Resolve, Verdict
from astakos.ledger.rules import UNLIMITED, Holding, Key, Provision, merge
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.storage.opening import ledger_storage
from astakos.storage.postgresql.postgresql_ledger import PostgreSQLLedger
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import registry
from astakos.storage.tables.history import Wanted, read_history
from service.caller import Caller
from service.installation import all_rows, holdings, rows
from service.stored import settled_sums, stored_commissions, stored_sums
from service.world import ALICE, BOB, CHLOE, DORA, EDGAR, LOADED, VM, Person, member_key, project_key

pytestmark = pytest.mark.ledger

OWN_SERVICE = "astakos_account"
LIMIT = 3
LOG = ("resolved_commissions", "commission_holders")
NOW = LOADED + 5

UNLIMIT = 'UPDATE holdings SET "limit" = ?, member_limit = ? WHERE resource = ?'


@pytest.fixture(autouse=True)
def _registered(database: Database) -> None:
    """Of the resource, each user may take three."""
    resource = Resource(
        0,
        PENDING_APPLICATIONS,
        OWN_SERVICE,
        "account",
        None,
        "",
        LIMIT,
        0,
        ui_visible=False,
        api_visible=False,
    )

    def register(connection: Connection) -> None:
        registry.save_resource(connection, resource)
        sync_resource(connection, resource)

    database.change(register)


def levels(person: Person) -> tuple[Key, Key]:
    """The holdings on which a user's applications are counted."""
    return (
        member_key(person, person.uuid, PENDING_APPLICATIONS),
        project_key(person.uuid, PENDING_APPLICATIONS),
    )


def usage(database: Database, person: Person) -> list[tuple[int, int]]:
    found = holdings(database)
    return [(found[key].usage_min, found[key].usage_max) for key in levels(person)]


def charge(database: Database, changes: Mapping[Person, int], *, force: bool = False) -> None:
    by_uuid = {person.uuid: quantity for person, quantity in changes.items()}
    database.change(lambda connection: charge_pending_applications(connection, by_uuid, force=force, now=NOW))


def issue_of(
    database: Database, changes: Mapping[Person, int], *, force: bool = False, auto_accept: bool = True
) -> Issue:
    """The commission as a component would issue it."""
    component = registry.component_of_resource(database.reader(), PENDING_APPLICATIONS)
    assert component is not None
    provisions = [Provision(key, quantity) for person, quantity in changes.items() for key in levels(person)]
    return Issue(component, tuple(merge(provisions)), force=force, auto_accept=auto_accept)


def test_an_application_takes_one_at_both_levels(database: Database) -> None:
    charge(database, {ALICE: 1})
    assert usage(database, ALICE) == [(1, 1)] * 2
    charge(database, {ALICE: -1})
    assert usage(database, ALICE) == [(0, 0)] * 2


def test_a_replaced_application_is_given_back_to_its_applicant(database: Database) -> None:
    charge(database, {BOB: 2})
    charge(database, {ALICE: 1, BOB: -1})
    assert (usage(database, ALICE), usage(database, BOB)) == ([(1, 1)] * 2, [(1, 1)] * 2)


def test_too_many_are_refused_and_nothing_is_charged(database: Database) -> None:
    charge(database, {ALICE: LIMIT, BOB: 1})
    before = all_rows(database)
    with pytest.raises(
        ProjectRefusedError, match="3 project applications are pending, and at most 3"
    ) as refused:
        charge(database, {ALICE: 1, BOB: -1})
    assert refused.value.kind is RefusalKind.CONFLICT
    assert all_rows(database) == before


def test_nothing_is_charged_if_the_change_that_causes_it_fails(database: Database) -> None:
    before = all_rows(database)

    def fail(connection: Connection) -> None:
        charge_pending_applications(connection, {ALICE.uuid: 1}, force=False, now=NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.change(fail)
    assert all_rows(database) == before


def test_several_charges_may_belong_to_one_change(database: Database) -> None:
    def work(connection: Connection) -> None:
        for _ in range(LIMIT):
            charge_pending_applications(connection, {ALICE.uuid: 1}, force=False, now=NOW)
        with pytest.raises(ProjectRefusedError):
            charge_pending_applications(connection, {ALICE.uuid: 1}, force=False, now=NOW)

    database.change(work)
    assert usage(database, ALICE) == [(LIMIT, LIMIT)] * 2
    assert len(stored_commissions(database.reader())) == LIMIT


def test_an_administrator_may_exceed_the_limit(database: Database) -> None:
    charge(database, {ALICE: LIMIT + 1}, force=True)
    assert usage(database, ALICE) == [(LIMIT + 1, LIMIT + 1)] * 2


def test_no_count_grows_above_the_largest_figure(database: Database) -> None:
    charge(database, {ALICE: UNLIMITED}, force=True)
    with pytest.raises(ProjectRefusedError, match=f"at most {UNLIMITED} may be"):
        charge(database, {ALICE: 1}, force=True)


def test_replacing_an_own_application_costs_nothing_but_is_refused_above_the_limit(
    database: Database,
) -> None:
    charge(database, {ALICE: LIMIT})
    charge(database, {ALICE: 0})
    charge(database, {ALICE: 1}, force=True)
    with pytest.raises(ProjectRefusedError):
        charge(database, {ALICE: 0})
    charge(database, {ALICE: 0}, force=True)
    assert usage(database, ALICE) == [(LIMIT + 1, LIMIT + 1)] * 2


def test_without_the_resource_nothing_is_counted(database: Database) -> None:
    rows(database, "UPDATE resources SET name = 'another' WHERE name = ?", PENDING_APPLICATIONS)
    before = all_rows(database)
    charge(database, {ALICE: LIMIT + 1, DORA: 1, BOB: -1})
    assert all_rows(database) == before


def test_who_has_no_system_project_can_not_apply(database: Database) -> None:
    before = all_rows(database)
    with pytest.raises(ProjectRefusedError, match=f"user {DORA.uuid} has no system project"):
        charge(database, {DORA: 1}, force=True)
    assert all_rows(database) == before


@pytest.mark.parametrize("counted", [0, 1])
def test_an_application_that_was_never_counted_can_be_decided(database: Database, counted: int) -> None:
    charge(database, {ALICE: counted, BOB: 2})
    charge(database, {ALICE: -2, BOB: -1, DORA: -1})
    assert (usage(database, ALICE), usage(database, BOB)) == ([(0, 0)] * 2, [(1, 1)] * 2)


def test_an_application_can_be_decided_whatever_else_is_pending_above_the_limit(database: Database) -> None:
    with contextlib.closing(ledger_storage(database)) as store:
        perform(store, [issue_of(database, {ALICE: LIMIT + 1}, force=True, auto_accept=False)], NOW)
    before = all_rows(database)
    charge(database, {ALICE: -1})
    assert all_rows(database) == before
    assert usage(database, ALICE) == [(0, LIMIT + 1)] * 2


def test_the_levels_are_clamped_each_by_itself(database: Database) -> None:
    member, _ = levels(ALICE)
    charge(database, {ALICE: 2})
    only_member = Issue(1, (Provision(member, -2),), auto_accept=True)
    with contextlib.closing(ledger_storage(database)) as store:
        perform(store, [only_member], NOW)
    charge(database, {ALICE: -1})
    assert usage(database, ALICE) == [(0, 0), (1, 1)]


def test_the_history_shows_the_charge_as_a_commission_of_the_own_component(database: Database) -> None:
    charge(database, {ALICE: 1})
    member, project = levels(ALICE)
    for wanted in (
        Wanted(holder=member.holder),
        Wanted(holder=project.holder),
        Wanted(resource=member.resource),
    ):
        page = database.read(lambda connection, wanted=wanted: read_history(connection, wanted, 10))  # type: ignore[misc]
        shown = {entry.key: entry for entry in page.entries}
        assert shown.keys() <= {member, project}
        assert shown
        for entry in shown.values():
            assert (entry.component, entry.name, entry.verdict) == ("astakos", NAME, Verdict.ACCEPT)
            assert (entry.issue_time, entry.resolve_time) == (NOW, NOW)
            assert (entry.quantity, entry.settled, entry.after) == (1, 1, Holding(LIMIT, 1, 1))


def test_users_do_not_see_the_count_among_their_quotas(database: Database, service: Caller) -> None:
    charge(database, {ALICE: 1})
    answer = service.get("/account/v1.0/quotas", token=ALICE.token)
    assert answer.status == 200
    shown = answer.document[ALICE.uuid]
    assert VM in shown
    assert PENDING_APPLICATIONS not in shown


STEP = st.tuples(
    st.dictionaries(st.sampled_from([0, 1]), st.integers(-2, 2), min_size=1), st.booleans(), st.booleans()
)


@given(steps=st.lists(STEP, max_size=8))
@settings(max_examples=15)
def test_figures_are_those_of_the_same_commissions_from_an_engine(
    database: Database, steps: list[tuple[dict[int, int], bool, bool]]
) -> None:
    """Two users have charges and commissions in turn, two others have commissions only, all from one engine.

    That one keeps what it has read, until it sees that somebody else has written.
    """
    mixed, plain = (ALICE, BOB), (CHLOE, EDGAR)
    for change in (
        "UPDATE holdings SET usage_min = 0, usage_max = 0, settled = 0",
        *map("DELETE FROM {}".format, LOG),
    ):
        rows(database, change)
    with contextlib.closing(ledger_storage(database)) as store:

        def is_issued(changes: Mapping[Person, int], *, force: bool) -> bool:
            """Whether the engine has issued what remains of the changes if counts stop at 0."""
            counted = {person: usage(database, person)[0][0] for person in changes}
            possible = {
                person: max(quantity, -counted[person])
                for person, quantity in changes.items()
                if quantity >= 0 or counted[person]
            }
            (outcome,) = perform(store, [issue_of(database, possible, force=force)], NOW)
            return isinstance(outcome, Issued)

        def is_charged(changes: Mapping[Person, int], *, force: bool) -> bool:
            try:
                charge(database, changes, force=force)
            except ProjectRefusedError:
                return False
            return True

        for changes, force, by_engine in steps:
            do = is_issued if by_engine else is_charged
            is_done = do({mixed[place]: quantity for place, quantity in changes.items()}, force=force)
            assert is_done == is_issued({plain[place]: one for place, one in changes.items()}, force=force)
            assert [usage(database, one) for one in mixed] == [usage(database, one) for one in plain]
    with contextlib.closing(database.connect()) as connection:
        assert stored_sums(connection) == settled_sums(connection)


@pytest.mark.postgresql
def test_engines_and_charges_on_the_same_holdings_wait_for_each_other(database: Database) -> None:
    """Nothing is lost, and nobody has to begin again, as who is in a deadlock must."""
    rounds = 40
    people = (ALICE, BOB)
    rows(database, UNLIMIT, UNLIMITED, UNLIMITED, PENDING_APPLICATIONS)
    issue = issue_of(database, dict.fromkeys(people, 1), auto_accept=False)
    turned = Issue(issue.component, issue.provisions[::-1], auto_accept=True)
    met = threading.Barrier(3)
    begun: list[int] = []

    def run_engine() -> int:
        with contextlib.closing(PostgreSQLLedger(database)) as store:  # type: ignore[arg-type]
            met.wait()
            for _ in range(rounds):
                one, _ = perform(store, [issue, turned], NOW)
                assert isinstance(one, Issued)
                perform(store, [Resolve(issue.component, accept=frozenset([one.serial]))], NOW)
            return store.repeats

    def work(connection: Connection) -> None:
        begun.append(1)
        changes = dict.fromkeys((person.uuid for person in reversed(people)), 1)
        charge_pending_applications(connection, changes, force=False, now=NOW)

    def run_charges() -> None:
        met.wait()
        for _ in range(rounds):
            database.change(work)

    with ThreadPoolExecutor(3) as pool:
        engines = [pool.submit(run_engine) for _ in range(2)]
        pool.submit(run_charges).result(60)
        assert [engine.result(60) for engine in engines] == [0, 0]
    assert len(begun) == rounds
    for person in people:
        assert usage(database, person) == [(5 * rounds, 5 * rounds)] * 2
    assert len(stored_commissions(database.reader())) == 5 * rounds
