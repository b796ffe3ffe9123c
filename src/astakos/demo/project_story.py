"""The chapter of the demo about projects: a project's whole life, with every call about projects."""

from typing import Any

from astakos.demo.narrator import Narrator
from astakos.demo.world import World
from astakosclient import errors

NAME = "workshop.example.org"
SPECS = {
    "name": NAME,
    "end_date": "2100-01-01T00:00:00Z",
    "max_members": 5,
    "resources": {"compute.vm": {"project_capacity": 6, "member_capacity": 2}},
}


def tell_of_a_project(narrator: Narrator, world: World) -> None:
    """Tells the life of a project."""
    ada, grace, root = (world.tokens[name] for name in ("ada", "grace", "root"))
    narrator.chapter("A shared project, from application to end")
    narrator.say("Ada applies for a project; Root, a project administrator, approves it:")
    applied = narrator.ask("create_project", ada, SPECS, expect=lambda found: found["application"] > 0)
    if applied is None:
        return
    project, application = applied["id"], applied["application"]
    narrator.call(project, "<workshop>")
    _becomes(narrator, world, project, "uninitialized")
    narrator.ask("application_action", root, project, application, "approve", "Fine.", expect=_nothing)
    _becomes(narrator, world, project, "active")

    narrator.say("Grace finds it, and asks to join; Ada, who owns it, admits her, and enrolls herself:")
    narrator.ask("get_projects", grace, name=NAME, mode="active", expect=lambda found: len(found) == 1)
    joined = narrator.ask("join_project", grace, project, expect=lambda found: found["id"] > 0)
    membership = 0 if joined is None else joined["id"]
    narrator.ask(
        "get_memberships",
        ada,
        project,
        expect=lambda found: "accept" in found[0]["allowed_actions"],
    )
    narrator.ask("membership_action", ada, membership, "accept", expect=_nothing)
    narrator.ask("enroll_member", ada, project, "ada@example.org", expect=lambda found: found["id"] > 0)
    narrator.ask("get_membership", grace, membership, expect=lambda found: found["state"] == "accepted")
    narrator.refuse(errors.Conflict, "join_project", grace, project)

    narrator.say("Grace draws from it by default now. Compute charges it; Ada sees who uses how much:")
    narrator.ask("set_default_project", grace, project, expect=_nothing)
    compute = world.tokens["compute"]
    narrator.ask(
        "issue_one_commission",
        compute,
        world.grace,
        project,
        {"compute.vm": 2},
        auto_accept=True,
        expect=lambda serial: serial > 0,
    )
    narrator.ask(
        "get_project_usage",
        ada,
        project,
        resource="compute.vm",
        sort="usage",
        limit=1,
        expect=lambda found: found["usage"][0]["user"] == world.grace,
    )

    _invites(narrator, world, project)
    narrator.say("Ada asks for more members, and hands the project over to Grace:")
    narrator.ask(
        "modify_project", ada, project, {"max_members": 9}, expect=lambda found: found["id"] == project
    )
    narrator.ask("hand_over_project", ada, project, world.grace, expect=_nothing)
    _moves(narrator, world, project)
    narrator.say("Grace leaves, and Root ends the project:")
    narrator.ask("membership_action", grace, membership, "leave", expect=_nothing)
    narrator.refuse(errors.Forbidden, "project_action", ada, project, "terminate")
    narrator.ask("project_action", root, project, "terminate", "The workshop is over.", expect=_nothing)
    _becomes(narrator, world, project, "terminated")
    narrator.say("All that has happened is on record, for the project's owner and for administrators:")
    narrator.ask(
        "get_project_events",
        grace,
        project,
        limit=1,
        expect=lambda found: found["events"][0]["kind"] == "project.created",
    )
    narrator.ask("get_events", root, limit=1, expect=lambda found: len(found["events"]) == 1)


def _moves(narrator: Narrator, world: World, project: str) -> None:
    ada, root = world.tokens["ada"], world.tokens["root"]
    narrator.say("Root puts the project within another one, whose limits bound it, and takes it out again:")
    specs = {**SPECS, "name": "faculty.example.org"}
    whole = narrator.ask("create_project", ada, specs, expect=lambda found: found["application"] > 0)
    if whole is None:
        return
    narrator.call(whole["id"], "<faculty>")
    narrator.ask("application_action", root, whole["id"], whole["application"], "approve", expect=_nothing)
    narrator.ask("move_project", root, project, whole["id"], expect=_nothing)
    narrator.ask("get_project", ada, project, expect=lambda found: found["parent"] == whole["id"])
    narrator.ask("move_project", root, project, None, expect=_nothing)


def _invites(narrator: Narrator, world: World, project: str) -> None:
    ada = world.tokens["ada"]

    def is_new(found: dict[str, Any]) -> bool:
        # Before the answer is printed: the code is a secret.
        narrator.call(found["invitation"], "<the invitation>")
        return bool(found["uses"] == 0)

    narrator.say("Ada invites Root, who joins at once; the next invitation she takes back:")
    made = narrator.ask("create_invitation", ada, project, expect=is_new)
    if made is None:
        return
    narrator.ask(
        "join_with_invitation",
        world.tokens["root"],
        made["invitation"],
        expect=lambda found: found["id"] > 0,
    )
    narrator.ask("get_invitations", ada, project, expect=lambda found: found[0]["uses"] == 1)
    another = narrator.ask("create_invitation", ada, project, expect=is_new)
    narrator.ask("revoke_invitation", ada, 0 if another is None else another["id"], expect=_nothing)


def _becomes(narrator: Narrator, world: World, project: str, state: str) -> None:
    narrator.ask("get_project", world.tokens["ada"], project, expect=lambda found: found["state"] == state)


def _nothing(answer: Any) -> bool:
    return answer is None
