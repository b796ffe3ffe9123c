"""One resource: its course, its charges, and what is pending."""

import pytest

from astakos.storage.tables import single_holding
from pages.http_visitor import HttpVisitor
from pages.scene import ADA, GRACE, LAB, MONTHLY, Scene
from pages.visitors import Visitor, log_in
from service.browser import Browser
from service.caller import Reply

MACHINES = "/ui/resources/compute.vm"


def test_what_has_become_of_a_resource(visitor: Visitor) -> None:
    log_in(visitor, ADA)
    visitor.follow("compute.vm", within="Yours alone")
    assert visitor.path == f"{MACHINES}?project={ADA.uuid}"
    assert visitor.heading == "compute.vm"
    assert "2 of 4 used, 1 pending, 1 left" in visitor.text
    assert "Highest usage in each day; limit 4" in visitor.text
    visitor.follow("By month")
    assert "Highest usage in each month" in visitor.text
    visitor.unfold("The same as a table")
    assert "Usage by month" in visitor.text


def test_its_charges_and_what_is_pending_are_told(visitor: Visitor) -> None:
    log_in(visitor, ADA, MACHINES)
    pending, charges = visitor.text.split("Pending", 1)[1].split("Charges", 1)
    assert "compute" in pending
    assert "never" in pending
    assert "settled" in charges
    assert "-2" in charges


def test_what_was_not_looked_at_is_not_called_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_holding, "MOST_LOOKED_AT", 0)
    visitor = HttpVisitor(scene)
    log_in(visitor, ADA, MACHINES)
    assert "What is pending was issued before the newest" in visitor.text
    assert "Nothing is pending." not in visitor.text


def test_another_project_has_a_course_of_its_own(visitor: Visitor) -> None:
    log_in(visitor, ADA, MACHINES)
    visitor.follow("lab.example.org")
    assert visitor.path == f"{MACHINES}?project={LAB}&by=day"
    assert "3 of 10 used" in visitor.text
    assert "All members together: 11 of 12" in visitor.text
    assert "Nothing is pending." in visitor.text


def test_the_name_of_a_budget_has_a_slash(visitor: Visitor) -> None:
    log_in(visitor, ADA, f"/ui/resources/{MONTHLY}?by=month")
    assert visitor.heading == MONTHLY
    assert "1.25 M of 2 M tokens used" in visitor.text


def browser_of(scene: Scene) -> Browser:
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(ADA.email, "correct horse battery staple")
    return browser


def get(browser: Browser, path: str) -> Reply:
    return browser.send("GET", f"{browser.base_url}{path}")


def test_files_for_spreadsheets(scene: Scene) -> None:
    browser = browser_of(scene)
    charges = get(browser, f"{MACHINES}?csv=charges")
    assert charges.headers["content-type"] == "text/csv; charset=utf-8"
    assert charges.headers["content-disposition"] == 'attachment; filename="compute-vm-charges.csv"'
    heading, first, *others = charges.content.decode().splitlines()
    assert heading == "time,service,serial,name,outcome,requested,settled,usage,limit"
    assert first.split(",")[4:] == ["ACCEPT", "1", "1", "2", "4"]
    assert len(others) == 8
    days = get(browser, f"{MACHINES}?csv=course&by=day").content.decode().splitlines()[1:]
    assert len(days) == 60
    highest = [int(day.split(",")[1]) for day in days]
    assert (highest[0], max(highest), highest[-1]) == (0, 3, 3)
    assert [int(day.split(",")[3]) for day in days].count(1) == 5


def test_what_one_does_not_have_is_not_there(scene: Scene) -> None:
    browser = browser_of(scene)
    for path in (
        "/ui/resources/nothing",
        f"{MACHINES}?project={GRACE.uuid}",
        f"{MACHINES}?project=nonsense",
        "/ui/resources/llm.tokens",
        "/ui/resources/",
    ):
        reply = get(browser, path)
        assert reply.status == 404, path
        assert b"There is no page at this address." in reply.content
    for query in ("by=eon", "before=x", "before=1.2.3.4", "csv=nothing", "project="):
        assert get(browser, f"{MACHINES}?{query}").status == 200, query
