"""What administrators do with projects: find them, suspend and end them, move them, hand them over."""

from astakos.projects.project import Capacity, ProjectState
from astakos.storage.tables import projects
from pages.project_scene import apply, approved, browser_of, send
from pages.scene import ADA, GRACE, LAB, ROOT, Scene
from pages.visitors import Visitor, log_in
from service.browser import Browser, page_of
from service.command import astakos
from service.installation import rows

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def test_a_project_is_suspended_ended_and_reinstated(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ROOT, "/ui/admin/projects")
    visitor.fill("Name, UUID, or owner", GRACE.email)
    visitor.press("Search")
    visitor.follow("lab.example.org")
    visitor.fill("Reason", "unpaid")
    visitor.press("Suspend")
    assert "Services refuse its 2 members whatever they ask of this project" in visitor.text
    visitor.press("Suspend")
    assert "The project is suspended." in visitor.text
    visitor.press("Let it go on")
    assert "The project is active again." in visitor.text
    visitor.press("End the project")
    visitor.press("End the project")
    assert "The project has ended." in visitor.text
    visitor.press("Reinstate")
    assert "The project is active again." in visitor.text
    with scene.database.snapshot() as reader:
        reasons = [
            reason
            for (reason,) in reader.execute("SELECT reason FROM events WHERE kind = 'project.suspended'")
        ]
    assert reasons == ["unpaid"]


def test_a_project_is_moved_and_handed_over(visitor: Visitor, scene: Scene) -> None:
    above = approved(scene, ADA, "faculty.example.org")
    log_in(visitor, ROOT, f"/ui/projects/{LAB}")
    visitor.follow("Move")
    visitor.fill("Put it within", "nowhere.example.org")
    visitor.press("Move")
    assert "There is no project 'nowhere.example.org'" in visitor.text
    visitor.fill("Put it within", "faculty.example.org")
    visitor.press("Move")
    assert "has no room for 11 of compute.vm" in visitor.text
    visitor.check("Also if that goes beyond the limits of the projects above")
    visitor.press("Move")
    assert "The project is moved." in visitor.text
    visitor.follow("faculty.example.org")
    assert "lab.example.org" in visitor.text
    visitor.follow("lab.example.org")
    visitor.follow("Hand over")
    visitor.fill("Email address of the new owner", "nobody@example.org")
    visitor.press("Hand over")
    assert "There is no accepted user with this address, who could own the project." in visitor.text
    visitor.fill("Email address of the new owner", ADA.email)
    visitor.press("Hand over")
    assert f"lab.example.org belongs to {ADA.email} now." in visitor.text
    with scene.database.snapshot() as reader:
        lab = projects.find(reader, LAB)
    assert lab is not None
    assert (lab.owner, lab.parent) == (ADA.uuid, above)


def test_an_owner_is_asked_before_handing_over(visitor: Visitor) -> None:
    log_in(visitor, GRACE, f"/ui/projects/{LAB}/handover")
    visitor.fill("Email address of the new owner", ADA.email)
    visitor.press("Hand over")
    assert visitor.heading == f"Hand lab.example.org over to {ADA.email}?"
    visitor.press("Hand over")
    assert f"lab.example.org belongs to {ADA.email} now." in visitor.text
    assert "Ask for changes" not in visitor.text


def test_a_denied_application_is_dismissed(visitor: Visitor, scene: Scene) -> None:
    uuid, _ = apply(scene, ADA, "vision.example.org")
    log_in(visitor, ROOT, "/ui/admin/projects/applications")
    visitor.fill("Reason", "too large")
    visitor.press("Deny the application for vision.example.org")
    visitor.follow("Denied")
    visitor.press("Dismiss the application for vision.example.org")
    assert "is deleted" in visitor.text
    visitor.press("Dismiss")
    with scene.database.snapshot() as reader:
        found = projects.find(reader, uuid)
    assert found is not None
    assert found.state is ProjectState.DELETED


def listed(browser: Browser, query: str) -> list[str]:
    reply = browser.send("GET", f"{browser.base_url}/ui/admin/projects?{query}")
    assert reply.status == 200
    start = "/astakos/ui/projects/"
    return [link.removeprefix(start) for link in page_of(reply).links() if link.startswith(f"{start}0")]


def test_projects_are_found_by_what_one_knows_of_them(scene: Scene) -> None:
    browser = browser_of(scene, ROOT)
    assert listed(browser, "q=LAB.ex") == [LAB]
    assert listed(browser, f"q={LAB.upper()}") == [LAB]
    assert listed(browser, f"q={GRACE.uuid}") == [LAB, GRACE.uuid]
    assert listed(browser, "q=lab&state=suspended") == []
    assert listed(browser, "q=100%25") == []
    assert set(listed(browser, "of=users")) == {ADA.uuid, GRACE.uuid, ROOT.uuid}
    assert listed(browser, "of=users&state=suspended") == []
    unknown = browser.visit(f"{browser.base_url}/ui/admin/projects?state=nonsense")
    assert "There is no state nonsense." in unknown.content.decode()
    for query in ("after=nonsense", "after=%00", "state=nonsense", "sort=nonsense", "q=%00", f"after={LAB}"):
        listed(browser, query)


def test_what_others_have_written_is_only_text(scene: Scene) -> None:
    uuid, _ = apply(scene, ADA, "vision.example.org", description=HOSTILE, comments=HOSTILE)
    # An older database can have what is refused now.
    for table in ("projects", "project_applications"):
        rows(scene.database, f"UPDATE {table} SET homepage = 'javascript:alert(1)'")
    browser = browser_of(scene, ROOT)
    for path in ("admin/projects/applications", f"projects/{uuid}", "projects"):
        content = browser.visit(f"{browser.base_url}/ui/{path}").content.decode()
        assert "<script>alert" not in content
        assert "onerror=alert(1)>" not in content
        assert 'href="javascript:' not in content


def test_an_application_that_has_been_replaced_is_not_approved(scene: Scene) -> None:
    """Whoever looks at an application decides about that, and not about what has come since."""
    uuid, number = apply(scene, ADA, "vision.example.org")
    browser = browser_of(scene, ROOT)
    reply = send(browser, f"{uuid}/application", action="approve", application=str(number + 1))
    assert reply.status == 404
    other = approved(scene, GRACE, "vision.example.org")
    refused = send(browser, f"{uuid}/application", action="approve", application=str(number))
    assert refused.status == 409
    assert f"The project {other} has this name" in refused.content.decode()


def test_others_have_no_pages_about_all_projects(scene: Scene) -> None:
    browser = browser_of(scene, ADA)
    for path in ("/ui/admin/projects", "/ui/admin/projects/applications"):
        assert browser.send("GET", f"{browser.base_url}{path}").status == 404


def test_who_decides_is_warned_of_a_budget_that_could_never_be_used(visitor: Visitor, scene: Scene) -> None:
    options = ("--service", "compute", "--default", "unlimited", "--meter", "month=9")
    assert astakos(scene.database, "resource", "set", "jobs.cost", *options).status == 0
    uuid, _ = apply(scene, ADA, "budget.example.org", resources={"jobs.cost/month": Capacity(5, 3)})
    told = "each member may have 0 of jobs.cost, so jobs.cost/month can never be used"
    log_in(visitor, ROOT, "/ui/admin/projects/applications")
    assert told in visitor.text
    visitor.press("Approve the application for budget.example.org")
    visitor.open(f"/ui/projects/{uuid}")
    assert told in visitor.text
    whole = ("--resource", "jobs.cost", "unlimited", "unlimited")
    assert astakos(scene.database, "project", "modify", "budget.example.org", *whole).status == 0
    visitor.open(f"/ui/projects/{uuid}")
    assert told not in visitor.text
