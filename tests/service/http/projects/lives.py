"""Projects as callers of the API make, change and see them."""

from collections.abc import Mapping
from typing import Any

from service.caller import ACCOUNT, Caller, Reply
from service.world import ALICE, CHLOE, VM, Person

PROJECTS = f"{ACCOUNT}/projects"
END = "2098-06-01T12:00:00+00:00"
NEW: Mapping[str, Any] = {
    "name": "new.example.org",
    "end_date": END,
    "resources": {VM: {"project_capacity": 6, "member_capacity": 2}},
}


def create(service: Caller, person: Person = ALICE, **fields: Any) -> tuple[str, int]:
    """Applies for a project; returns its uuid and the number of the application."""
    reply = service.post(PROJECTS, person.token, {**NEW, **fields})
    assert reply.status == 201, reply.content
    return reply.document["id"], reply.document["application"]


def modify(service: Caller, project: str, person: Person = ALICE, **fields: Any) -> Reply:
    return service("PUT", f"{PROJECTS}/{project}", person.token, document=fields)


def modified(service: Caller, project: str, person: Person = ALICE, **fields: Any) -> int:
    """Applies for changes; returns the number of the application."""
    reply = modify(service, project, person, **fields)
    assert reply.status == 201, reply.content
    assert reply.document["id"] == project
    return int(reply.document["application"])


def act(service: Caller, project: str, action: str, person: Person = CHLOE, **given: Any) -> Reply:
    return service.post(f"{PROJECTS}/{project}/action", person.token, {action: given})


def done(service: Caller, project: str, action: str, person: Person = CHLOE, **given: Any) -> None:
    reply = act(service, project, action, person, **given)
    assert (reply.status, reply.content) == (200, b"")


def activated(service: Caller, person: Person = ALICE, **fields: Any) -> str:
    """A new active project."""
    project, application = create(service, person, **fields)
    done(service, project, "approve", app_id=application)
    return project


def show(service: Caller, project: str, person: Person = CHLOE) -> dict[str, Any]:
    reply = service.get(f"{PROJECTS}/{project}", person.token)
    assert reply.status == 200, reply.content
    document: dict[str, Any] = reply.document
    return document


def listed(service: Caller, person: Person, query: str = "") -> list[str]:
    """The names of the projects in a list."""
    reply = service.get(f"{PROJECTS}{query}", person.token)
    assert reply.status == 200, reply.content
    return [project["name"] for project in reply.document]
