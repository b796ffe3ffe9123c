"""Calls that come at the same time end in one of the orders in which they could have come.

Two services share the database, so that nothing but the database keeps their calls apart.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any, TypeVar

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import StateDocument, UserEntry
from astakos.storage.protocol import Database
from lengths import length
from service.caller import Caller, Reply
from service.engines import Engine
from service.installation import holdings, opened, running
from simulation.projects.calls import (
    Act,
    Call,
    ChangeState,
    Create,
    Decide,
    Join,
    request_of,
)
from simulation.projects.databases import loaded
from simulation.projects.state import (
    PENDING_APPLICATIONS,
    Capacity,
    both_keys,
    member_key,
    project_key,
)
from simulation.projects.world import (
    ANNA,
    BERT,
    COMPONENT_TOKENS,
    COMPUTE,
    FAR,
    LAB,
    LOADED,
    OLGA,
    PEOPLE,
    ROOT,
    STAN,
    VM,
    token_of,
)

T = TypeVar("T")
ROUNDS = length(4, 2)
CROWD = 16
TOKENS = {person.uuid: token_of(person) for person in PEOPLE}
pytestmark = pytest.mark.every_engine


class Race:
    """Two services on one database."""

    def __init__(self, database: Database, callers: Sequence[Caller], pool: ThreadPoolExecutor) -> None:
        self.database = database
        self.callers = callers
        self._pool = pool

    def make(self, call: Call, place: int = 0) -> Reply:
        method, path, document = request_of(call)
        return self.callers[place % 2](method, path, TOKENS[call.caller], document=document)

    def at_once(self, *functions: Callable[[], T]) -> list[T]:
        """Calls all of them on threads that begin at the same moment."""
        barrier = Barrier(len(functions))

        def run(function: Callable[[], T]) -> T:
            barrier.wait(20)
            return function()

        return [future.result(60) for future in [self._pool.submit(run, one) for one in functions]]

    def make_at_once(self, *calls: Call) -> list[int]:
        """The statuses of calls that are sent at the same moment, by turns to the two services."""
        return self.at_once(
            *(
                lambda call=call, place=place: self.make(call, place).status
                for place, call in enumerate(calls)
            )
        )

    def begin_project(self, owner: str, name: str, **fields: object) -> tuple[str, int]:
        """An application for a project: the uuid, and the number of the application."""
        call = Create(owner, {"name": name, "end_date": FAR, **fields}, {VM: Capacity(1000, 1000)})
        answer = self.make(call).document
        return answer["id"], answer["application"]

    def project(self, owner: str, name: str, **fields: object) -> str:
        """A project that has been approved."""
        uuid, application = self.begin_project(owner, name, **fields)
        assert self.make(Decide(ROOT.uuid, uuid, "approve", application)).status == 200
        return uuid

    def states(self, project: str) -> Counter[str]:
        """The states of the memberships in a project."""
        found = self.callers[0].get(
            f"/account/v1.0/projects/memberships?project={project}", TOKENS[ROOT.uuid]
        )
        return Counter(membership["state"] for membership in found.document)


@pytest.fixture
def race(engine: Engine) -> Iterator[Race]:
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(loaded(engine))
        second = stack.enter_context(contextlib.closing(opened(database)))
        callers = [stack.enter_context(running(one)) for one in (database, second)]
        pool = stack.enter_context(ThreadPoolExecutor(CROWD))
        yield Race(database, callers, pool)


@pytest.fixture
def crowd(race: Race) -> list[str]:
    """Users who come all at once."""
    users = [f"0000c{number:03x}-0000-4000-8000-000000000000" for number in range(CROWD)]
    TOKENS.update({user: f"user-token-of-{user}" for user in users})
    entries = [
        UserEntry(uuid=user, email=f"{user}@example.org", token=TOKENS[user], token_expires=FAR)
        for user in users
    ]
    load(race.database, StateDocument(users=entries), LOADED)
    return users


def test_one_of_two_approvals_takes_effect(race: Race) -> None:
    for number in range(ROUNDS):
        uuid, application = race.begin_project(BERT.uuid, f"race{number}.example.org")
        approve = Decide(ROOT.uuid, uuid, "approve", application)
        assert sorted(race.make_at_once(approve, approve)) == [200, 409]
        _require_pending_applications(race, BERT.uuid, 0)


def test_an_application_is_either_approved_or_cancelled(race: Race) -> None:
    for number in range(ROUNDS):
        uuid, application = race.begin_project(BERT.uuid, f"race{number}.example.org")
        calls = [
            Decide(ROOT.uuid, uuid, "approve", application),
            Decide(BERT.uuid, uuid, "cancel", application),
        ]
        approved, cancelled = race.make_at_once(*calls)
        assert {approved, cancelled} == {200, 409}
        state = race.callers[0].get(f"/account/v1.0/projects/{uuid}", TOKENS[ROOT.uuid]).document["state"]
        assert state == ("active" if approved == 200 else "deleted")
        _require_pending_applications(race, BERT.uuid, 0)


def test_one_of_two_projects_gets_a_name(race: Race) -> None:
    for number in range(ROUNDS):
        name = f"race{number}.example.org"
        begun = [race.begin_project(owner, name) for owner in (ANNA.uuid, BERT.uuid)]
        statuses = race.make_at_once(*(Decide(ROOT.uuid, uuid, "approve", app) for uuid, app in begun))
        assert sorted(statuses) == [200, 409]
        (refused,) = [one for one, status in zip(begun, statuses, strict=True) if status == 409]
        assert race.make(Decide(ROOT.uuid, refused[0], "cancel", refused[1])).status == 200


def test_applications_do_not_exceed_their_limit(race: Race) -> None:
    calls = [Create(STAN.uuid, {"name": f"race{number}.example.org", "end_date": FAR}) for number in range(8)]
    assert Counter(race.make_at_once(*calls)) == {201: 2, 409: 6}
    _require_pending_applications(race, STAN.uuid, 2)


def test_the_last_free_place_is_taken_once(race: Race, crowd: list[str]) -> None:
    project = race.project(OLGA.uuid, "race.example.org", join_policy="auto", max_members=1)
    assert set(race.make_at_once(*(Join(user, project) for user in crowd))) == {200}
    assert race.states(project) == {"accepted": 1, "requested": CROWD - 1}
    members = [key for key in holdings(race.database) if key.source == f"project:{project}"]
    assert len({key.holder for key in members}) == 1


def test_one_of_many_requests_is_accepted_into_the_last_free_place(race: Race, crowd: list[str]) -> None:
    project = race.project(OLGA.uuid, "race.example.org", join_policy="moderated", max_members=1)
    numbers = [race.make(Join(user, project)).document["id"] for user in crowd]
    statuses = race.make_at_once(*(Act(OLGA.uuid, number, "accept") for number in numbers))
    assert Counter(statuses) == {200: 1, 409: CROWD - 1}
    assert race.states(project) == {"accepted": 1, "requested": CROWD - 1}


@pytest.mark.parametrize("action", ["terminate", "suspend"])
def test_nothing_is_charged_to_a_project_that_has_been_stopped(race: Race, action: str) -> None:
    project = race.project(OLGA.uuid, "race.example.org", join_policy="auto")
    members = (ANNA.uuid, BERT.uuid)
    for user in members:
        assert race.make(Join(user, project)).status == 200
    begun, stopped = Event(), Event()

    def charge(user: str, place: int) -> list[tuple[bool, int]]:
        """Charges until refused: whether the project had been stopped before, and the status."""
        found: list[tuple[bool, int]] = []
        while not found or found[-1][1] == 201:
            late = stopped.is_set()
            charges = [(key, 1) for key in both_keys(user, project, VM)]
            reply = race.callers[place].issue(COMPONENT_TOKENS[COMPUTE], *charges, auto_accept=True)
            found.append((late, reply.status))
            if len(found) == 3:
                begun.set()
        return found

    def stop() -> list[tuple[bool, int]]:
        assert begun.wait(20)
        status = race.make(ChangeState(ROOT.uuid, project, action)).status
        stopped.set()
        return [(False, status)]

    functions: list[Any] = [lambda u=u, p=p: charge(u, p) for p, u in enumerate(members)]
    *charged, [(_, status)] = race.at_once(*functions, stop)
    assert status == 200
    found = holdings(race.database)
    for user, answers in zip(members, charged, strict=True):
        *accepted, (_, last) = answers
        assert last == 413
        assert all(answer == (False, 201) for answer in accepted), "charged after it had been stopped"
        assert found[member_key(user, project, VM)].usage_max == len(accepted)
    whole = found[project_key(project, VM)]
    assert whole.usage_min == whole.usage_max == sum(len(answers) - 1 for answers in charged)


def test_a_member_who_leaves_is_charged_before_or_not_at_all(race: Race) -> None:
    (number,) = [
        membership["id"]
        for membership in race.callers[0]
        .get(f"/account/v1.0/projects/memberships?project={LAB}", TOKENS[ROOT.uuid])
        .document
    ]
    charges = [(key, 1) for key in both_keys(ANNA.uuid, LAB, VM)]
    charged, left = race.at_once(
        lambda: race.callers[0].issue(COMPONENT_TOKENS[COMPUTE], *charges, auto_accept=True).status,
        lambda: race.make(Act(ANNA.uuid, number, "leave"), 1).status,
    )
    assert left == 200
    assert charged in {201, 413}
    used = holdings(race.database)[member_key(ANNA.uuid, LAB, VM)].usage_max
    assert used == (1 if charged == 201 else 0)


def _require_pending_applications(race: Race, user: str, number: int) -> None:
    found = holdings(race.database)
    used = [found[key].usage_max for key in both_keys(user, user, PENDING_APPLICATIONS)]
    assert used == [number, number]
