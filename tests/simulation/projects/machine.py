"""A state machine that lets projects live in a service and in the model, side by side.

What it finds is shrunk to the shortest history and printed as a program that replays it. Draws name who calls
by role and what is called on by position, or choose among the calls that make sense in the state.
"""

import contextlib

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.caller import Caller
from simulation.projects.calls import Call, Create, Decide, Flaw, Modify
from simulation.projects.choosing import choose
from simulation.projects.life import Life
from simulation.projects.state import Capacity, Membership, Project
from simulation.projects.world import (
    ANNA,
    BERT,
    FAR,
    HIDDEN,
    OLGA,
    PEOPLE,
    RAM,
    ROOT,
    STAN,
    UNKNOWN,
    VM,
)

MOST_PROJECTS = 3
ANYBODY = tuple(person.uuid for person in PEOPLE)
MEMBERS = (ANNA.uuid, BERT.uuid, OLGA.uuid)
NAMES = ("lab.example.org", "alpha.example.org", "beta.example.org")

places = st.integers(0, 9)
roles = st.sampled_from(["admin", "owner", "admin", "owner", "stranger"])
callers = st.sampled_from([ROOT.uuid, ROOT.uuid, *MEMBERS, *MEMBERS, *ANYBODY])
policies = st.sampled_from(["auto", "moderated", "closed"])
open_policies = st.sampled_from(["auto", "moderated", "auto", "moderated", "closed"])
capacities = st.sampled_from([Capacity(0, 0), Capacity(3, 1), Capacity(2, 2), Capacity(6, 3)])
resources = st.dictionaries(st.sampled_from([VM, RAM]), capacities, max_size=2)
definitions: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {},
    optional={
        "join_policy": open_policies,
        "leave_policy": open_policies,
        "max_members": st.sampled_from([1, 1, 2, 3, 0]),
        "private": st.booleans(),
        "description": st.sampled_from(["", "δ"]),
        "comments": st.just("please"),
        "start_date": st.just("2031-01-01T00:00:00+00:00"),
    },
)
flaws = st.sampled_from(
    [
        *[(Flaw.NONE, {})] * 24,
        (Flaw.FORM, {"join_policy": "x"}),
        (Flaw.FORM, {"leave_policy": None}),
        (Flaw.FORM, {"homepage": 5}),
        (Flaw.VALUE, {"name": "no-domain"}),
        (Flaw.VALUE, {"end_date": "2020-01-01T00:00:00Z"}),
        (Flaw.VALUE, {"owner": UNKNOWN}),
        (Flaw.VALUE, {"resources": {HIDDEN: {"project_capacity": 1, "member_capacity": 1}}}),
        (Flaw.VALUE, {"resources": {VM: {"project_capacity": 1, "member_capacity": 2}}}),
    ]
)


class ProjectsMachine(RuleBasedStateMachine):
    """Where the service runs is left to those who inherit."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self._open = contextlib.ExitStack()
        self.life.begin(self._open.enter_context(self.run_service()))

    def run_service(self) -> contextlib.AbstractContextManager[Caller]:
        """A service on a database of its own that holds the document, with the clock of `self.life`."""
        raise NotImplementedError

    def teardown(self) -> None:
        try:
            self.life.check_for_all()
        finally:
            self._open.close()

    @precondition(lambda self: len(self.shared()) < MOST_PROJECTS)
    @rule(caller=callers, name=st.sampled_from(NAMES), fields=definitions, resources=resources, flaw=flaws)
    def create(
        self,
        caller: str,
        name: str,
        fields: dict[str, object],
        resources: dict[str, Capacity],
        flaw: tuple[Flaw, dict[str, object]],
    ) -> None:
        kind, wrong = flaw
        given = {"name": name, "end_date": FAR, **fields, **wrong}
        self.life.make(Create(caller, given, {} if "resources" in wrong else resources, kind))

    @precondition(lambda self: len(self.shared()) < MOST_PROJECTS)
    @rule(caller=st.sampled_from(MEMBERS), name=st.sampled_from(NAMES), fields=definitions, given=resources)
    def begin_a_project(
        self, caller: str, name: str, fields: dict[str, object], given: dict[str, Capacity]
    ) -> None:
        """Creates a project and approves it; both may fail."""
        self.life.make(Create(caller, {"name": name, "end_date": FAR, **fields}, given))
        newest = self.shared()[0]
        self.life.make(Decide(ROOT.uuid, newest.uuid, "approve", newest.applications[-1].id))

    @rule(
        role=roles,
        place=places,
        fields=definitions,
        renaming=st.sampled_from([{}, {}, {}, *[{"name": name} for name in NAMES], {"owner": BERT.uuid}]),
        resources=resources,
        flaw=flaws,
        approve=st.booleans(),
    )
    def modify(
        self,
        role: str,
        place: int,
        fields: dict[str, object],
        renaming: dict[str, object],
        resources: dict[str, Capacity],
        flaw: tuple[Flaw, dict[str, object]],
        approve: bool,
    ) -> None:
        kind, wrong = flaw
        project = self.pick(place)
        given = {**fields, **renaming, **wrong}
        call = Modify(
            self.caller(role, project), project, given, {} if "resources" in wrong else resources, kind
        )
        if self.life.make(call) == 201 and approve:
            application = self.life.state.projects[project].applications[-1]
            self.life.make(Decide(ROOT.uuid, project, "approve", application.id))

    @rule(choices=st.lists(st.tuples(callers, st.integers(0, 2**16)), min_size=1, max_size=6))
    def make_calls_that_succeed(self, choices: list[tuple[str, int]]) -> None:
        for caller, choice in choices:
            if (call := self.choose(caller, choice, succeed=True)) is not None:
                assert self.life.make(call) == 200
                self.life.check()

    @rule(choices=st.lists(st.tuples(callers, st.integers(0, 2**16)), min_size=6, max_size=12))
    def make_calls_that_are_refused(self, choices: list[tuple[str, int]]) -> None:
        for caller, choice in choices:
            if (call := self.choose(caller, choice, succeed=False)) is not None:
                assert self.life.make(call) >= 400

    @rule(place=places, quantity=st.sampled_from([1, 1, 2, 3, 0, -1, -2]), auto_accept=st.booleans())
    def charge(self, place: int, quantity: int, auto_accept: bool) -> None:
        """Members charge, and those who are so no more, and those who never were."""
        memberships = [*self.memberships(), Membership(STAN.uuid, self.pick(place), "none")]
        membership = memberships[place % len(memberships)]
        self.life.charge(membership.user, membership.project, quantity, auto_accept=auto_accept)

    @precondition(lambda self: self.life.pending)
    @rule(place=places, accept=st.booleans())
    def resolve(self, place: int, accept: bool) -> None:
        serials = sorted(self.life.pending)
        self.life.resolve(serials[place % len(serials)], accept=accept)

    @precondition(lambda self: len(self.life.state.inactive) < 3)
    @rule(user=st.sampled_from(MEMBERS))
    def deactivate(self, user: str) -> None:
        if user not in self.life.state.inactive:
            self.life.deactivate(user)

    @precondition(lambda self: self.life.state.inactive)
    @rule(place=places)
    def activate(self, place: int) -> None:
        users = sorted(self.life.state.inactive)
        self.life.activate(users[place % len(users)])

    @invariant()
    def service_and_model_agree(self) -> None:
        self.life.check()

    def shared(self) -> list[Project]:
        """The projects of several users, newest first."""
        return [project for project in self.life.state.projects.values() if not project.system][::-1]

    def pick(self, place: int) -> str:
        """The uuid of a project: mostly of a shared one, of somebody's system project, or of none."""
        shared = [project.uuid for project in self.shared()]
        return (*shared, *shared, OLGA.uuid, UNKNOWN)[place % (2 * len(shared) + 2)]

    def memberships(self) -> list[Membership]:
        """Those in shared projects, and one in a system project."""
        found = self.life.state.memberships.values()
        return [m for m in found if m.user != m.project or m.user == OLGA.uuid]

    def choose(self, caller: str, choice: int, *, succeed: bool) -> Call | None:
        """A call of one who can call."""
        active = caller if caller not in self.life.state.inactive else ROOT.uuid
        return choose(self.life.state, active, choice, succeed=succeed)

    def caller(self, role: str, project: str) -> str:
        found = self.life.state.projects.get(project)
        owner = str(found.owner) if found and found.owner else OLGA.uuid
        return {"admin": ROOT.uuid, "owner": owner, "stranger": STAN.uuid}[role]
