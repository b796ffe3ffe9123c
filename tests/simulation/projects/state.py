"""What the model of projects remembers: people, projects, applications, memberships and what is charged.

The model is written from `identity-and-projects.md`, `http-api.md` §9 and `quota-semantics.md` §6 alone, with
the words of the wire, and shares no rule with the service.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from astakos.ledger.rules import Key

INFINITE = 2**63 - 1
PENDING_APPLICATIONS = "astakos.pending_app"

INITIALIZED = ("active", "suspended", "terminated")
ALIVE = ("active", "suspended")
DRAWING = ("accepted", "leave_requested")
ACCEPTED_TYPE = (*DRAWING, "suspended")
ASSOCIATED = (*ACCEPTED_TYPE, "requested")

DEFINITION = (
    "name",
    "owner",
    "homepage",
    "description",
    "end_date",
    "join_policy",
    "leave_policy",
    "max_members",
    "private",
)
"""What a project is defined by, besides its resources."""


class Person(NamedTuple):
    """A user who was accepted."""

    uuid: str
    email: str
    admin: bool = False


class Resource(NamedTuple):
    name: str
    component: str
    system_default: int
    project_default: int
    api_visible: bool = True


class Capacity(NamedTuple):
    project: int
    member: int


@dataclass
class Application:
    id: int
    applicant: str
    state: str
    asked: dict[str, object]
    """The values of `DEFINITION`, `start_date` and `comments`; None where nothing was asked."""
    resources: dict[str, Capacity]


@dataclass
class Project:
    uuid: str
    state: str
    definition: dict[str, object]
    """The values of `DEFINITION`."""
    capacities: dict[str, Capacity]
    created: str | None = None
    """When, as the wire says it; None if the model does not know."""
    deactivated: str | None = None
    """When it was last suspended or terminated; None if it never was."""
    applications: list[Application] = field(default_factory=list)
    system: bool = False

    @property
    def alive(self) -> bool:
        return self.state in ALIVE

    @property
    def initialized(self) -> bool:
        return self.state in INITIALIZED

    @property
    def owner(self) -> object:
        return self.definition["owner"]


@dataclass
class Membership:
    user: str
    project: str
    state: str
    id: int | None = None
    """None if the model does not know."""
    entered: dict[str, str | None] = field(default_factory=dict)
    """When each state was entered, as the wire says it; None if the model does not know."""
    ever_accepted: bool = False


@dataclass
class Usage:
    certain: int = 0
    possible: int = 0


@dataclass
class Suspended:
    """What is suspended for no other reason than that a user is inactive."""

    projects: set[str] = field(default_factory=set)
    memberships: set[str] = field(default_factory=set)
    """The projects in which the user's own membership is suspended."""


@dataclass
class State:
    people: dict[str, Person]
    resources: dict[str, Resource]
    projects: dict[str, Project] = field(default_factory=dict)
    memberships: dict[tuple[str, str], Membership] = field(default_factory=dict)
    """By user and project."""
    inactive: set[str] = field(default_factory=set)
    default_projects: dict[str, str] = field(default_factory=dict)
    usage: dict[Key, Usage] = field(default_factory=dict)
    suspended_with: dict[str, Suspended] = field(default_factory=dict)
    """By inactive user."""

    def members(self, project: str) -> int:
        """How many members of the accepted type a project has."""
        return sum(m.project == project and m.state in ACCEPTED_TYPE for m in self.memberships.values())

    def member(self, user: str, project: str, states: tuple[str, ...]) -> bool:
        """Whether the user's membership is in one of these states."""
        found = self.memberships.get((user, project))
        return found is not None and found.state in states

    def membership(self, number: int) -> Membership | None:
        return next((m for m in self.memberships.values() if m.id == number), None)

    def application(self, number: int) -> Application | None:
        every = (a for project in self.projects.values() for a in project.applications)
        return next((a for a in every if a.id == number), None)

    def holds_name(self, name: object) -> Iterator[Project]:
        """The projects that hold a name: from their activation to their termination."""
        return (p for p in self.projects.values() if p.alive and p.definition["name"] == name)

    def limit(self, key: Key) -> int | None:
        """The limit of a holding (`quota-semantics.md` §6); None if there is no such holding."""
        uuid = (key.holder if key.source is None else key.source).removeprefix("project:")
        project = self.projects.get(uuid)
        if project is None or not project.initialized or key.resource not in self.resources:
            return None
        capacity = project.capacities[key.resource]
        if key.source is None:
            return capacity.project if project.state == "active" else 0
        membership = self.memberships.get((key.holder.removeprefix("user:"), uuid))
        if membership is None or not membership.ever_accepted:
            return None
        draws = project.state == "active" and membership.state in DRAWING
        return capacity.member if draws else 0

    def used(self, key: Key) -> Usage:
        return self.usage.setdefault(key, Usage())


def member_key(user: str, project: str, resource: str) -> Key:
    return Key(f"user:{user}", f"project:{project}", resource)


def project_key(project: str, resource: str) -> Key:
    return Key(f"project:{project}", None, resource)


def both_keys(user: str, project: str, resource: str) -> tuple[Key, Key]:
    """The holdings that a charge of a member touches."""
    return member_key(user, project, resource), project_key(project, resource)


def definition_of(**values: object) -> dict[str, object]:
    """A whole definition, with the defaults of the wire for what is not given."""
    defaults = {
        "name": None,
        "owner": None,
        "homepage": "",
        "description": "",
        "end_date": None,
        "join_policy": "moderated",
        "leave_policy": "auto",
        "max_members": INFINITE,
        "private": False,
    }
    return {key: values.get(key, default) for key, default in defaults.items()}


def add_system_project(state: State, user: str, created: str | None, end_date: str | None) -> None:
    """What the acceptance of a user makes (§3.5)."""
    state.projects[user] = Project(
        user,
        "suspended" if user in state.inactive else "active",
        definition_of(
            name=f"system:{user}",
            description="",
            end_date=end_date,
            join_policy="closed",
            leave_policy="closed",
            max_members=1,
            private=True,
        ),
        {r.name: Capacity(r.system_default, r.system_default) for r in state.resources.values()},
        created=created,
        system=True,
    )
    accepted = "suspended" if user in state.inactive else "accepted"
    state.memberships[user, user] = Membership(
        user, user, accepted, entered={"accepted": created}, ever_accepted=True
    )
    state.default_projects[user] = user
    if user in state.inactive:
        state.suspended_with[user] = Suspended({user}, {user})
