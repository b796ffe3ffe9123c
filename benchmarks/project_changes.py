"""Changes to projects and memberships, without HTTP: what they cost beside many memberships of others."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from astakos import clock
from astakos.administration.membership_changes import act, enroll, join
from astakos.administration.project_changes import (
    act_on_application,
    act_on_project,
    create_project,
    modify_project,
)
from astakos.events.event import OPERATOR, Actor
from astakos.projects.membership_actions import MembershipAction
from astakos.projects.project import Capacity
from astakos.projects.project_actions import ApplicationAction, ProjectAction
from astakos.projects.specification import Specification
from astakos.storage.protocol import Connection, Database
from benchmarks.population import LIMIT, QUANTITIES, user_name, user_uuid
from benchmarks.project_population import FAR, MEMBERS, PROJECTS, USERS, owner, project_uuid
from benchmarks.results import Result, milliseconds, ratio

LEAST_ROUNDS = 20
JOIN, LEAVE = "join + accept", "leave"
ENROLL, REMOVE = "enroll", "remove"
CREATE, MODIFY = "apply for a project + approve", "apply for a change + approve"
SUSPEND = "suspend + unsuspend, 100 members"
CAPACITIES = {name: Capacity(LIMIT, LIMIT) for name in QUANTITIES}


class Cost(NamedTuple):
    """What a call took, in seconds: of this process' processor, and until it was durable."""

    processor: float
    wall: float


class Round:
    """All changes once, of a user and a project that differ from one round to the next."""

    def __init__(self, database: Database, place: int) -> None:
        """Chooses them: users join a project for the first time until all have been members of all."""
        self._database = database
        self._place = place
        number = place % USERS
        project = (number // MEMBERS + 1 + place // USERS) % PROJECTS
        self._project = project_uuid(project)
        self._owner = Actor(user_uuid(owner(project)), "127.0.0.1")
        self._user, self._name = user_uuid(number), user_name(number)
        self._actor = Actor(self._user, "127.0.0.1")
        self._membership = 0

    def run(self) -> dict[str, Cost]:
        """Makes the changes one after the other, and undoes them where that is possible."""
        changes = {
            JOIN: (self._join, self._accept),
            LEAVE: (self._leave,),
            ENROLL: (self._enroll,),
            REMOVE: (self._remove,),
            CREATE: (self._create,),
            MODIFY: (self._modify,),
            SUSPEND: (self._suspend, self._unsuspend),
        }
        return {title: self._time(some) for title, some in changes.items()}

    def _time(self, changes: Iterable[Callable[[Connection], None]]) -> Cost:
        begun, processor = time.perf_counter(), time.thread_time()
        for change in changes:
            self._database.change(change)
        return Cost(time.thread_time() - processor, time.perf_counter() - begun)

    def _join(self, connection: Connection) -> None:
        self._membership = join(connection, self._actor, self._project, self._user, clock.now())

    def _accept(self, connection: Connection) -> None:
        act(connection, self._owner, self._membership, MembershipAction.ACCEPT, clock.now())

    def _leave(self, connection: Connection) -> None:
        act(connection, self._actor, self._membership, MembershipAction.LEAVE, clock.now())

    def _enroll(self, connection: Connection) -> None:
        enroll(connection, self._owner, self._project, self._name, clock.now())

    def _remove(self, connection: Connection) -> None:
        act(connection, self._owner, self._membership, MembershipAction.REMOVE, clock.now())

    def _create(self, connection: Connection) -> None:
        name = f"new{self._place}.example.org"
        asked = Specification(name=name, owner=self._user, end_date=FAR, resources=CAPACITIES)
        submitted = create_project(connection, self._actor, asked, clock.now())
        self._approve(connection, submitted.project, submitted.application)

    def _modify(self, connection: Connection) -> None:
        asked = Specification(description=f"round {self._place}", resources=CAPACITIES)
        submitted = modify_project(connection, self._owner, self._project, asked, clock.now())
        self._approve(connection, submitted.project, submitted.application)

    def _approve(self, connection: Connection, project: str, application: int) -> None:
        act_on_application(
            connection, OPERATOR, ApplicationAction.APPROVE, project, application, "", clock.now()
        )

    def _suspend(self, connection: Connection) -> None:
        act_on_project(connection, OPERATOR, ProjectAction.SUSPEND, self._project, "", clock.now())

    def _unsuspend(self, connection: Connection) -> None:
        act_on_project(connection, OPERATOR, ProjectAction.UNSUSPEND, self._project, "", clock.now())


def measure_changes(title: str, databases: Sequence[Database], seconds: float) -> Result:
    """Makes the same changes in a small database and in a large one, by turns."""
    found: list[dict[str, list[Cost]]] = [{}, {}]
    end, place = time.perf_counter() + seconds, 0
    while time.perf_counter() < end or place < LEAST_ROUNDS:
        # Neither is always the first of the two.
        for database, costs in list(zip(databases, found, strict=True))[:: 1 if place % 2 else -1]:
            for call, cost in Round(database, place).run().items():
                costs.setdefault(call, []).append(cost)
        place += 1
    rows = []
    for call in found[0]:
        small, large = (_median(costs[call]) for costs in found)
        rows.append(
            (
                call,
                milliseconds(small.processor),
                milliseconds(large.processor),
                ratio(large.processor, small.processor),
                milliseconds(small.wall),
                milliseconds(large.wall),
                ratio(large.wall, small.wall),
            )
        )
    processor = ("processor, ms", "with them, ms", "to without")
    columns = ("change", *processor, "p50, ms", "p50 with them, ms", "p50 to without")
    note = f"Medians of {place} rounds. The processor is this process', not a server's."
    return Result(f"Changes, one at a time ({title})", columns, rows, note)


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.processor for cost in costs), statistics.median(cost.wall for cost in costs)
    )
