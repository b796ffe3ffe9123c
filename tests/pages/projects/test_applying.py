"""Applying for a project and for changes, until somebody decides; and changing one at once."""

import pytest

from astakos.projects.project import ApplicationState, Capacity
from astakos.storage.tables import project_applications, projects
from pages.project_scene import VISION, apply, approved, browser_of
from pages.scene import ADA, GRACE, LAB, ROOT, Scene
from pages.visitors import Visitor, log_in

APPLY = "/ui/projects/apply"


def log_out(visitor: Visitor, name: str) -> None:
    visitor.unfold(name)
    visitor.press("Sign out")


def test_a_project_is_applied_for_and_approved(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ADA, "/ui/projects")
    visitor.follow("Apply for a project")
    visitor.fill("Name", "cats")
    visitor.fill("Ends on", "2041-06-30")
    visitor.fill("Begins on", "2041-01-31")
    visitor.fill("All members together of compute.ram", "64 GB")
    visitor.press("Apply")
    assert visitor.status == 422
    assert "Write an amount such as 10 GiB, and thousands like 1,250,000, or “unlimited”." in visitor.text
    assert "The name must look like a domain name" in visitor.text
    visitor.fill("Name", VISION)
    visitor.fill("All members together of compute.ram", "64 GiB")
    visitor.fill("Each member of compute.ram", "32g")
    visitor.fill("Why do you need it?", "Cats <b>everywhere</b>")
    visitor.press("Apply")
    assert visitor.heading == VISION, visitor.text
    assert "Your application waits for a decision." in visitor.text
    assert "64 GiB, each 32 GiB" in visitor.text
    log_out(visitor, "Ada Byron")

    log_in(visitor, ROOT, "/ui/admin/projects")
    visitor.follow("Decide")
    assert "“Cats <b>everywhere</b>”" in visitor.text
    assert "To begin on 31 Jan 2041" in visitor.text
    visitor.fill("Reason", "go ahead")
    visitor.press(f"Approve the application for {VISION}")
    assert f"The application for {VISION} is approved." in visitor.text
    assert "No application waits for a decision." in visitor.text
    with scene.database.snapshot() as reader:
        (found,) = projects.list_named(reader, VISION)
        assert projects.capacities_of(reader, found.uuid)["compute.ram"] == Capacity(64 * 2**30, 32 * 2**30)


def test_changes_are_asked_for_and_withdrawn(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, GRACE, f"/ui/projects/{LAB}")
    visitor.follow("Ask for changes")
    visitor.press("Apply")
    assert "Nothing would change." in visitor.text
    visitor.fill("All members together of compute.vm", "24")
    visitor.choose("Joining", "Nobody can join")
    visitor.press("Apply")
    assert "24, each 10" in visitor.text
    assert "12, each 10" in visitor.text
    assert "11 (91 %)" in visitor.text
    visitor.press("Withdraw the application for lab.example.org")
    assert "The application for lab.example.org is withdrawn." in visitor.text


def test_an_administrator_changes_a_project_at_once(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ROOT, f"/ui/projects/{LAB}")
    visitor.follow("Change")
    visitor.fill("All members together of compute.vm", "10")
    visitor.fill("Reason", "others wait")
    visitor.press("Change")
    assert "The project is changed." in visitor.text
    assert "11 of 10 used" in visitor.text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"end_date": "2001-01-01"}, "The project must end in the future. Choose a later day."),
        ({"end_date": "tomorrow"}, "Write year, month and day, for example 2031-06-30."),
        ({"end_date": "9999-99-99"}, "Write year, month and day, for example 2031-06-30."),
        ({"max_members": "some"}, "Write a whole number, or nothing for no limit."),
        ({"max_members": "9" * 24}, "This is too large. Leave the field empty for no limit."),
        ({"homepage": "h" * 256}, "The homepage must have at most 255 characters, not 256."),
        ({"homepage": "javascript:alert(1)"}, "The homepage must begin with https:// or http://"),
        ({"homepage": "lab.example.org"}, "Write an address that begins with https:// or http://"),
        ({"name": "lab.example.org"}, "Another project has the name lab.example.org."),
        ({"description": "a\x00b"}, "The description must not contain NUL characters"),
        ({"parent": "nowhere.example.org"}, "There is no such project."),
        ({"parent": ADA.uuid}, "A system project cannot be a parent"),
        ({"all.compute.vm": "3", "each.compute.vm": "4"}, "Each member cannot have more than all together"),
        ({"each.compute.vm": "4"}, "Each member cannot have more than all together"),
        ({"all.compute.vm": "1.5"}, "Write a whole number, and thousands like 1,250,000."),
        ({"all.compute.vm": "9" * 20}, "This is too large."),
    ],
)
def test_what_is_wrong_is_said_at_the_form(scene: Scene, fields: dict[str, str], says: str) -> None:
    browser = browser_of(scene, ADA)
    page = browser.visit(f"{browser.base_url}{APPLY}")
    sent = {"name": "new.example.org", "end_date": "2041-01-01"}
    reply = browser.submit(page, **{**sent, **fields})
    assert reply.status == 422
    assert says in reply.content.decode()
    with scene.database.snapshot() as reader:
        assert projects.list_named(reader, "new.example.org") == []


def test_a_name_that_one_does_not_see_is_not_said_to_be_taken(scene: Scene) -> None:
    approved(scene, GRACE, "hidden.example.org", private=True)
    sent = {"name": "hidden.example.org", "end_date": "2041-01-01"}
    for user, status in ((ADA, 200), (GRACE, 422)):
        browser = browser_of(scene, user)
        page = browser.visit(f"{browser.base_url}{APPLY}")
        assert browser.submit(page, **sent).status == status


def test_a_project_keeps_its_own_name(scene: Scene) -> None:
    browser = browser_of(scene, GRACE)
    page = browser.visit(f"{browser.base_url}/ui/projects/{LAB}/change")
    assert browser.submit(page, homepage="https://lab.example.org/#team").status == 200


def test_a_name_that_one_does_not_see_is_no_parent(scene: Scene) -> None:
    hidden = approved(scene, GRACE, "hidden.example.org", private=True)
    browser = browser_of(scene, ADA)
    page = browser.visit(f"{browser.base_url}{APPLY}")
    sent = {"name": "new.example.org", "end_date": "2041-01-01"}
    assert browser.submit(page, **sent, parent="hidden.example.org").status == 422
    assert browser.submit(page, **sent, parent=hidden.upper()).status == 200


def test_what_has_been_asked_for_can_be_asked_again(scene: Scene) -> None:
    """The newer application replaces the older one."""
    browser = browser_of(scene, GRACE)
    address = f"{browser.base_url}/ui/projects/{LAB}/change"
    browser.submit(browser.visit(address), max_members="5", **{"each.compute.ram": "1 GiB"})
    again = browser.visit(address)
    assert 'value="1 GiB"' in again.content.decode()
    browser.submit(again, max_members="6")
    with scene.database.snapshot() as reader:
        last = project_applications.find_last(reader, LAB)
        assert last is not None
        assert (last.max_members, last.name, last.end_date, last.state) == (
            6,
            None,
            None,
            ApplicationState.PENDING,
        )
        assert last.resources == {"compute.ram": Capacity(64 * 2**30, 2**30)}
        assert len(project_applications.pending_of(reader, LAB)) == 1


def test_who_may_not_change_a_project_finds_no_form(scene: Scene) -> None:
    browser = browser_of(scene, ADA)
    uuid, _ = apply(scene, ADA, "waits.example.org")
    for project in (LAB, uuid, ADA.uuid, "nonsense"):
        assert browser.send("GET", f"{browser.base_url}/ui/projects/{project}/change").status == 404
