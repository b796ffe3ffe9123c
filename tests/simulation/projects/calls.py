"""The calls that change projects and memberships, as values, and what of them goes over the wire."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from simulation.projects.state import Capacity

ACCOUNT = "/account/v1.0"
PROJECTS = f"{ACCOUNT}/projects"
MEMBERSHIPS = f"{PROJECTS}/memberships"

APPLICATION_ACTIONS = ("approve", "deny", "cancel", "dismiss")
PROJECT_ACTIONS = ("suspend", "unsuspend", "terminate", "reinstate")
MEMBERSHIP_ACTIONS = ("leave", "cancel", "accept", "reject", "remove")


class Flaw(Enum):
    """What is wrong with a specification, by when it is found."""

    NONE = 0
    FORM = 1
    """A type or a policy: found before the project is looked up."""
    VALUE = 2
    """A value: found after it is known that the project can be modified."""


@dataclass(frozen=True)
class Create:
    caller: str
    fields: dict[str, object]
    resources: dict[str, Capacity] = field(default_factory=dict)
    flaw: Flaw = Flaw.NONE


@dataclass(frozen=True)
class Modify:
    caller: str
    project: str
    fields: dict[str, object]
    resources: dict[str, Capacity] = field(default_factory=dict)
    flaw: Flaw = Flaw.NONE


@dataclass(frozen=True)
class Decide:
    """Approves, denies, cancels or dismisses an application."""

    caller: str
    project: str
    action: str
    application: int


@dataclass(frozen=True)
class ChangeState:
    """Suspends, unsuspends, terminates or reinstates a project."""

    caller: str
    project: str
    action: str


@dataclass(frozen=True)
class Join:
    caller: str
    project: str


@dataclass(frozen=True)
class Enroll:
    caller: str
    project: str
    email: str


@dataclass(frozen=True)
class Act:
    """Leaves, cancels, accepts, rejects or removes a membership."""

    caller: str
    membership: int
    action: str


@dataclass(frozen=True)
class SetDefaultProject:
    caller: str
    project: str


Call = Create | Modify | Decide | ChangeState | Join | Enroll | Act | SetDefaultProject


class Request(NamedTuple):
    method: str
    path: str
    document: object


def request_of(call: Call) -> Request:
    match call:
        case Create(_, fields, resources):
            return Request("POST", PROJECTS, _specification(fields, resources))
        case Modify(_, project, fields, resources):
            return Request("PUT", f"{PROJECTS}/{project}", _specification(fields, resources))
        case Decide(_, project, action, application):
            document = {action: {"app_id": application, "reason": "because"}}
            return Request("POST", f"{PROJECTS}/{project}/action", document)
        case ChangeState(_, project, action):
            return Request("POST", f"{PROJECTS}/{project}/action", {action: {}})
        case Join(_, project):
            return Request("POST", MEMBERSHIPS, {"join": {"project": project}})
        case Enroll(_, project, email):
            return Request("POST", MEMBERSHIPS, {"enroll": {"project": project, "user": email}})
        case Act(_, membership, action):
            return Request("POST", f"{MEMBERSHIPS}/{membership}/action", {action: "because"})
        case SetDefaultProject(_, project):
            return Request("POST", f"{ACCOUNT}/myaccount/default_project", {"project_id": project})


def capacities_shown(capacities: dict[str, Capacity]) -> dict[str, object]:
    return {
        name: {"project_capacity": capacity.project, "member_capacity": capacity.member}
        for name, capacity in capacities.items()
    }


def _specification(fields: dict[str, object], resources: dict[str, Capacity]) -> dict[str, object]:
    return {**fields, "resources": capacities_shown(resources)} if resources else dict(fields)
