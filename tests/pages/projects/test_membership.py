"""Joining and leaving, and what owners decide about members."""

import pytest

from astakos.http.pages.projects import member_usage
from astakos.projects.project import MembershipState, Policy
from astakos.storage.tables import invitations, memberships, project_usage, projects
from pages.http_visitor import HttpVisitor
from pages.project_scene import approved, ask_to_join, browser_of, send
from pages.scene import ADA, GRACE, LAB, ROOT, Scene
from pages.visitors import Visitor, log_in

CLUB = "club.example.org"


def state_of(scene: Scene, user: str, project: str) -> MembershipState | None:
    with scene.database.snapshot() as reader:
        return memberships.find_state(reader, user, project)


def test_a_user_joins_and_leaves(visitor: Visitor, scene: Scene) -> None:
    open_to_all = approved(scene, GRACE, CLUB, join_policy=Policy.AUTO)
    moderated = approved(scene, GRACE, "choir.example.org")
    log_in(visitor, ADA, "/ui/projects")
    visitor.fill("Find a project by its name", "CLUB")
    visitor.press("Search")
    assert visitor.path == "/ui/projects?q=CLUB"
    assert "choir" not in visitor.text
    visitor.follow(CLUB)
    visitor.press("Join")
    assert "You have joined." in visitor.text
    visitor.press("Leave")
    assert visitor.heading == f"Leave {CLUB}?"
    visitor.press("Leave")
    assert f"You have left {CLUB}." in visitor.text
    assert state_of(scene, ADA.uuid, open_to_all) is MembershipState.REMOVED

    visitor.follow("choir.example.org")
    visitor.press("Ask to join")
    assert "The owner will see your request." in visitor.text
    visitor.follow("Projects")
    assert "asking to join" in visitor.text
    visitor.press("Withdraw the request to join choir.example.org")
    assert "Your request is withdrawn." in visitor.text
    assert state_of(scene, ADA.uuid, moderated) is MembershipState.CANCELLED


def test_an_owner_is_told_that_they_are_no_member_and_joins_in_one_step(
    visitor: Visitor, scene: Scene
) -> None:
    club = approved(scene, GRACE, CLUB)
    log_in(visitor, GRACE)
    assert f"You own {CLUB}, but are not a member" in visitor.text
    visitor.follow(CLUB)
    assert "you have nothing of it until you join." in visitor.text
    visitor.press("Join")
    assert "You have joined." in visitor.text
    assert state_of(scene, GRACE.uuid, club) is MembershipState.ACCEPTED
    assert "you have nothing of it" not in visitor.text
    visitor.open("/ui/overview")
    assert "You own" not in visitor.text


def test_an_owner_is_told_why_they_cannot_join(scene: Scene) -> None:
    closed = approved(scene, GRACE, CLUB, join_policy=Policy.CLOSED)
    visitor = HttpVisitor(scene)
    log_in(visitor, GRACE, f"/ui/projects/{closed}")
    assert "nobody can join it. Ask for changes to how one joins it." in visitor.text
    assert send(browser_of(scene, GRACE), f"{closed}/join").status == 409


def test_an_owner_decides_about_members(visitor: Visitor, scene: Scene) -> None:
    club = approved(scene, GRACE, CLUB)
    ask_to_join(scene, ADA, club)
    log_in(visitor, GRACE, f"/ui/projects/{club}")
    visitor.follow("See who")
    visitor.press(f"Accept {ADA.email}")
    assert f"{ADA.email} is a member now." in visitor.text
    visitor.press(f"Remove {ADA.email}")
    assert visitor.heading == f"Remove {ADA.email}?"
    visitor.press("Remove")
    assert f"{ADA.email} is no member any more." in visitor.text
    visitor.fill("Email address", "nobody@example.org")
    visitor.press("Make a member")
    assert visitor.status == 409
    assert "There is no accepted user with exactly this email address" in visitor.text
    visitor.fill("Email address", ROOT.email)
    visitor.press("Make a member")
    assert f"{ROOT.email} is a member now." in visitor.text
    visitor.follow("Who uses what")
    assert "Nobody has anything of this yet." not in visitor.text
    assert ROOT.email in visitor.text


def test_who_uses_most_comes_first(visitor: Visitor) -> None:
    log_in(visitor, GRACE, f"/ui/projects/{LAB}/usage?resource=compute.vm")
    _, by_member = visitor.text.split("By member")
    assert by_member.index(GRACE.email) < by_member.index(ADA.email)
    assert "11 of 12 used" in visitor.text


def test_of_very_many_members_only_some_are_compared(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (project_usage, member_usage):
        monkeypatch.setattr(module, "MOST_LOOKED_AT", 1)
    visitor = HttpVisitor(scene)
    log_in(visitor, GRACE, f"/ui/projects/{LAB}/usage?resource=compute.vm")
    _, by_member = visitor.text.split("By member")
    assert "Of the 1 who joined first" in by_member
    assert (GRACE.email in by_member) != (ADA.email in by_member)


def test_invitations_are_made_used_and_revoked(visitor: Visitor, scene: Scene) -> None:
    club = approved(scene, GRACE, CLUB, join_policy=Policy.CLOSED)
    log_in(visitor, GRACE, f"/ui/projects/{club}/invitations")
    visitor.fill("For how many users", "many")
    visitor.press("Make it")
    assert "Write a whole number from 1 to 1,000,000." in visitor.text
    visitor.fill("For how many users", "2")
    visitor.press("Make it")
    with scene.database.snapshot() as reader:
        (made,) = invitations.list_of_project(reader, club)
    assert made.max_uses == 2
    code = next(word for word in visitor.text.split() if word.startswith(f"{made.id}-"))
    visitor.open("/ui/join")
    visitor.fill("The code of your invitation", code)
    visitor.press("Continue")
    visitor.press(f"Join as {GRACE.email}")
    assert visitor.heading == "You have joined"
    visitor.open(f"/ui/projects/{club}/invitations")
    assert "1 of 2" in visitor.text
    assert code not in visitor.text
    visitor.press(f"Revoke invitation {made.id}")
    assert "Whoever has joined stays a member." in visitor.text
    visitor.press("Revoke")
    assert f"Invitation {made.id} is revoked." in visitor.text


def test_others_neither_see_nor_change_a_hidden_project(scene: Scene) -> None:
    hidden = approved(scene, GRACE, "hidden.example.org", private=True)
    request = ask_to_join(scene, ADA, hidden)
    own = approved(scene, ADA, "own.example.org")
    browser = browser_of(scene, ADA)
    listed = browser.visit(f"{browser.base_url}/ui/projects")
    assert b"hidden.example.org" not in listed.content
    assert b"A project that only its members see" in listed.content
    for page in ("", "/members", "/usage", "/invitations", "/change", "/handover", "/move"):
        assert browser.send("GET", f"{browser.base_url}/ui/projects/{hidden}{page}").status == 404, page
        if page:
            assert browser.send("GET", f"{browser.base_url}/ui/projects/{LAB}{page}").status == 404, page
    for path, form in (
        (f"{hidden}/join", {}),
        (f"{hidden}/leave", {}),
        (f"{hidden}/members/act", {"membership": str(request), "action": "accept"}),
        # A membership of another project, by way of one's own.
        (f"{own}/members/act", {"membership": str(request), "action": "accept"}),
        (f"{own}/members/act", {"membership": "9" * 30, "action": "accept"}),
        (f"{LAB}/members/enroll", {"address": ADA.email}),
        (f"{LAB}/invitations/make", {"uses": "1", "days": "1"}),
        (f"{own}/invitations/revoke", {"invitation": "1"}),
        (f"{LAB}/handover/send", {"address": ADA.email}),
        (f"{LAB}/move/send", {"parent": own}),
        (f"{LAB}/state", {"action": "suspend"}),
    ):
        reply = send(browser, path, confirmed="yes", **form)
        assert reply.status == 404, path
    assert state_of(scene, ADA.uuid, hidden) is MembershipState.REQUESTED
    with scene.database.snapshot() as reader:
        lab = projects.find(reader, LAB)
    assert lab is not None
    assert lab.owner == GRACE.uuid


def test_nobody_withdraws_the_request_of_another(scene: Scene) -> None:
    club = approved(scene, GRACE, CLUB)
    request = ask_to_join(scene, ADA, club)
    browser = browser_of(scene, GRACE)
    reply = send(browser, "withdraw", membership=str(request))
    assert reply.status == 404
    assert state_of(scene, ADA.uuid, club) is MembershipState.REQUESTED


def test_a_refusal_is_said_on_the_page_of_the_project(scene: Scene) -> None:
    """The button was there when the page was shown, and is not any more."""
    full = approved(scene, GRACE, CLUB, max_members=0)
    browser = browser_of(scene, GRACE)
    ask_to_join(scene, ADA, full)
    page = browser.visit(f"{browser.base_url}/ui/projects/{full}/members")
    assert b"Reject" in page.content
    assert b"Accept" not in page.content
    with scene.database.snapshot() as reader:
        (request,) = memberships.list_of_user(reader, ADA.uuid)[-1:]
    reply = send(browser, f"{full}/members/act", membership=str(request.id), action="accept")
    assert reply.status == 409
    assert (
        b"The project is full: it can have 0 members at most; its owner can ask for more, or remove one."
        in reply.content
    )
