"""Whatever changes in projects, everybody who reads a limit reads the one that follows from it."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astakos.administration.limit_updates import sync_memberships, sync_project, sync_resource
from astakos.administration.user_limits import set_capacity
from astakos.administration.user_registration import activate_user, deactivate_user
from astakos.directory.entities import Resource
from astakos.events.event import OPERATOR
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued
from astakos.ledger.ports import LedgerStorage, Needs
from astakos.ledger.rules import UNLIMITED, Holding, Key, Provision
from astakos.projects.limits import granted, own_limit, project_holder, user_holder
from astakos.projects.project import INITIALIZED, Capacity, Membership, MembershipState, ProjectState
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import holding_limits, memberships, projects, registry, users
from astakos.storage.tables.holding_limits import allowances_of, set_allowance
from astakos.storage.tables.project_usage import BY_MEMBER, read_usage
from astakos.storage.tables.quotas import project_quotas, service_quotas
from service.installation import all_rows, holdings
from service.world import ALICE, BOB, CHLOE, CLOSED, HALTED, LAB, LOADED, VM, Person, member_key, project_key

pytestmark = pytest.mark.ledger

COMPUTE = 1
NEW = "000000a4-0000-4000-8000-0000000000a4"
"""A project that has not begun."""
PROJECTS = (LAB, HALTED, CLOSED, NEW)
MEMBERS = (ALICE, BOB, CHLOE)
ACCEPTED, REMOVED, REQUESTED = (
    MembershipState.ACCEPTED,
    MembershipState.REMOVED,
    MembershipState.REQUESTED,
)
PATIENCE = 30.0

Change = Callable[[Connection], object]


def in_state(project: str, state: ProjectState) -> Change:
    def change(connection: Connection) -> None:
        known = projects.find(connection, project)
        assert known is not None
        projects.save(connection, replace(known, state=state))
        sync_project(connection, project)

    return change


def with_member(project: str, person: Person, state: MembershipState) -> Change:
    def change(connection: Connection) -> None:
        ever_accepted = state not in (MembershipState.REQUESTED, MembershipState.REJECTED)
        memberships.save(connection, project, [Membership(person.uuid, state, ever_accepted)])
        sync_memberships(connection, project, [person.uuid])

    return change


def with_capacity(project: str, resource: str, capacity: Capacity) -> Change:
    return lambda connection: set_capacity(connection, OPERATOR, project, resource, capacity, LOADED)


def with_allowance(project: str, person: Person, limit: int) -> Change:
    def change(connection: Connection) -> None:
        set_allowance(connection, project, person.uuid, VM, limit)
        sync_memberships(connection, project, [person.uuid])

    return change


def with_resource(name: str) -> Change:
    resource = Resource(0, name, "compute", "compute", None, "", 5, 7, ui_visible=True, api_visible=True)

    def change(connection: Connection) -> None:
        if not registry.has_resource(connection, name):
            registry.save_resource(connection, resource)
            sync_resource(connection, resource)

    return change


def activated(person: Person, *, is_active: bool) -> Change:
    def change(connection: Connection) -> None:
        user = users.find_by_uuid(connection, person.uuid)
        assert user is not None
        if is_active:
            activate_user(connection, OPERATOR, user, LOADED)
        elif user.is_active:
            deactivate_user(connection, OPERATOR, user, "a reason", LOADED)

    return change


def is_new(connection: Connection) -> None:
    """Adds a project that has not begun and has a member already, as a document may."""
    if projects.find(connection, NEW) is not None:
        return
    known = projects.find(connection, LAB)
    assert known is not None
    project = replace(known, uuid=NEW, name="new.example.org", state=ProjectState.UNINITIALIZED)
    projects.save(connection, project)
    memberships.save(connection, NEW, [Membership(BOB.uuid, MembershipState.ACCEPTED, ever_accepted=True)])
    sync_project(connection, NEW)


capacities = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda pair: Capacity(max(pair), min(pair)))
changes = st.one_of(
    st.builds(in_state, st.sampled_from(PROJECTS), st.sampled_from(ProjectState)),
    st.builds(
        with_member, st.sampled_from(PROJECTS), st.sampled_from(MEMBERS), st.sampled_from(MembershipState)
    ),
    st.builds(with_capacity, st.sampled_from(PROJECTS), st.just(VM), capacities),
    st.builds(
        with_allowance,
        st.sampled_from(PROJECTS),
        st.sampled_from(MEMBERS),
        st.integers(0, 9) | st.just(UNLIMITED),
    ),
    st.builds(activated, st.sampled_from(MEMBERS), is_active=st.booleans()),
    st.builds(with_resource, st.sampled_from(["compute.new", "compute.newer"])),
)


def follows(connection: Connection, project: str) -> dict[Key, int]:
    """The limits that the rule gives a project and all who were its members once."""
    known = projects.find(connection, project)
    assert known is not None
    grants = granted(known.state, projects.capacities_of(connection, project))
    source = project_holder(project)
    limits = {Key(source, None, resource): capacity.project for resource, capacity in grants.items()}
    allowances = allowances_of(connection, project)
    for one in memberships.list_of_project(connection, project):
        if one.ever_accepted:
            for resource, capacity in grants.items():
                allowance = allowances.get(one.user, {}).get(resource, UNLIMITED)
                limit = min(own_limit(one.state, allowance), capacity.member)
                limits[Key(user_holder(one.user), source, resource)] = limit
    return limits


def read_by_ledger(ledger: LedgerStorage, keys: set[Key]) -> dict[Key, int]:
    found: dict[Key, Holding] = {}
    ledger.transact(lambda one: found.update(one.read(LOADED, Needs(keys=keys)).holdings))
    return {key: found[key].limit for key in keys & found.keys()}


def read_by_callers(connection: Connection, project: str) -> dict[Key, int]:
    """Their limits as the quotas of users and projects, and the usage of a project, report them."""
    resources = {resource.name for resource in registry.list_resources(connection)}
    found = {}
    for quota in service_quotas(connection, None, [person.uuid for person in MEMBERS], [project], LOADED):
        key = Key(user_holder(quota.user), project_holder(quota.project), quota.resource)
        found[key] = quota.member_level.limit
    for level in project_quotas(connection, resources, [project], LOADED):
        found[Key(project_holder(project), None, level.resource)] = level.project_level.limit
    usage = read_usage(
        connection, project, resource=None, user=None, order=BY_MEMBER, after=None, most=10_000, now=LOADED
    )
    for one in usage:
        key = Key(user_holder(one.user), project_holder(project), one.resource)
        assert found[key] == one.holding.limit
    return found


@settings(max_examples=12)
@given(st.lists(changes, min_size=1, max_size=12))
def test_all_read_the_limit_that_follows_from_the_project(database: Database, some: list[Change]) -> None:
    database.change(is_new)
    with contextlib.closing(ledger_storage(database)) as ledger:
        for change in some:
            database.change(change)
            reader = database.reader()
            stored = holdings(database)
            for project in PROJECTS:
                known = projects.find(reader, project)
                assert known is not None
                expected = follows(reader, project)
                if known.state in INITIALIZED:
                    assert expected.keys() <= stored.keys()
                    assert read_by_callers(reader, project) == expected
                there = {key: limit for key, limit in expected.items() if key in stored}
                assert {key: stored[key].limit for key in there} == there
                # Alone, a member's holding has the same limit.
                single = {key for key in there if key.source is not None}
                assert read_by_ledger(ledger, single) == {key: there[key] for key in single}
                assert read_by_ledger(ledger, set(there)) == there


def test_a_project_with_its_members_is_suspended_in_a_row_for_each_resource(database: Database) -> None:
    before = all_rows(database)["holdings"]
    database.change(in_state(LAB, ProjectState.SUSPENDED))
    changed = set(all_rows(database)["holdings"]) - set(before)
    assert {row[1] for row in changed} == {project_holder(LAB)}
    database.change(in_state(LAB, ProjectState.SUSPENDED))
    assert set(all_rows(database)["holdings"]) - set(before) == changed
    database.change(in_state(LAB, ProjectState.ACTIVE))
    assert all_rows(database)["holdings"] == before


@pytest.mark.parametrize("at_a_time", [1, 4, 8, 10_000])
def test_all_members_have_holdings_once_their_project_is_activated(
    database: Database, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    monkeypatch.setattr(holding_limits, "AT_A_TIME", at_a_time)
    database.change(is_new)
    states = dict(zip(MEMBERS, (ACCEPTED, REMOVED, REQUESTED), strict=True))
    for person, state in states.items():
        database.change(with_member(NEW, person, state))
    database.change(in_state(NEW, ProjectState.ACTIVE))
    reader = database.reader()
    expected = follows(reader, NEW)
    resources = {resource.name for resource in registry.list_resources(reader)}
    assert {key.resource for key in expected if key.holder == user_holder(ALICE.uuid)} == resources
    assert not any(key.holder == user_holder(CHLOE.uuid) for key in expected)
    stored = {key: holding.limit for key, holding in holdings(database).items()}
    assert {key: limit for key, limit in stored.items() if project_holder(NEW) in key} == expected


@contextlib.contextmanager
def charging(database: Database, provisions: tuple[Provision, ...]) -> Iterator[list[bool]]:
    """Commissions that are issued one after the other on another thread: whether each was."""
    outcomes: list[bool] = []
    is_over = threading.Event()

    def charge() -> None:
        with contextlib.closing(ledger_storage(database)) as ledger:
            while not is_over.is_set():
                (outcome,) = perform(ledger, [Issue(COMPUTE, provisions, auto_accept=True)], LOADED)
                outcomes.append(isinstance(outcome, Issued))

    thread = threading.Thread(target=charge)
    thread.start()
    try:
        yield outcomes
    finally:
        is_over.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.postgresql
@pytest.mark.parametrize("levels", ["both", "member"])
def test_once_a_project_is_suspended_nobody_charges_it_any_more(database: Database, levels: str) -> None:
    database.change(with_capacity(LAB, VM, Capacity(10**9, 10**9)))
    with contextlib.ExitStack() as stack:
        charged = []
        for person in (ALICE, BOB):
            provisions = [Provision(member_key(person), 1), Provision(project_key(), 1)]
            chosen = tuple(provisions if levels == "both" else provisions[:1])
            charged.append(stack.enter_context(charging(database, chosen)))
        for _ in range(5):
            for outcomes in charged:
                wait_for_more(outcomes, 3)
                assert outcomes[-1]
            database.change(in_state(LAB, ProjectState.SUSPENDED))
            usage = holdings(database)
            for outcomes in charged:
                # The first may have been on its way.
                after = len(outcomes) + 1
                wait_for_more(outcomes, 3)
                assert outcomes[after : after + 2] == [False, False]
            assert holdings(database) == usage
            database.change(in_state(LAB, ProjectState.ACTIVE))


def wait_for_more(outcomes: list[bool], count: int) -> None:
    pause = threading.Event()
    wanted = len(outcomes) + count
    deadline = time.monotonic() + PATIENCE
    while len(outcomes) < wanted:
        assert time.monotonic() < deadline
        pause.wait(0.005)
