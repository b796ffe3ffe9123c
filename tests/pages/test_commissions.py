"""Commissions for administrators: what is pending, settling it in place of a service, and the history."""

from urllib.parse import urlencode

import pytest

from pages.http_visitor import HttpVisitor
from pages.scene import ADA, COMPUTE_TOKEN, GRACE, LAB, ROOT, Scene, charge, with_projects
from pages.test_safety import browser_of
from pages.visitors import Visitor, log_in
from service.installation import rows

COMMISSIONS = "/ui/admin/commissions"
NAME = "<script>alert(1)</script>"


def pending(scene: Scene) -> int:
    ((serial,),) = rows(scene.database, "SELECT serial FROM pending_commissions")
    return int(str(serial))


def test_an_administrator_rejects_a_stuck_commission_with_a_reason(visitor: Visitor, scene: Scene) -> None:
    stuck = pending(scene)
    log_in(visitor, ROOT, COMMISSIONS)
    assert visitor.heading == "Commissions"
    assert "1 of compute.vm, ada@example.org" in visitor.text
    visitor.fill("Reason", "The machine never came up.")
    visitor.press("Reject")
    assert "Choose at least one commission." in visitor.text
    visitor.check(str(stuck))
    visitor.press("Reject")
    assert visitor.heading == "Reject this commission?"
    assert f"{stuck}, of compute: 1 of compute.vm for ada@example.org." in visitor.text
    visitor.press("Reject")
    assert visitor.path == COMMISSIONS
    assert "1 commission was rejected." in visitor.text
    assert "Nothing is pending" in visitor.text
    visitor.administer("Audit log")
    assert "commission.rejected by root@example.org" in visitor.text
    assert "Reason: The machine never came up." in visitor.text


def test_one_commission_is_looked_at_and_accepted(visitor: Visitor, scene: Scene) -> None:
    stuck = pending(scene)
    log_in(visitor, ROOT, COMMISSIONS)
    visitor.choose("Service", "models")
    visitor.press("Show")
    assert "Nothing that matches is pending." in visitor.text
    visitor.choose("Service", "compute")
    visitor.fill("Who", ADA.email)
    visitor.press("Show")
    assert "service=compute" in visitor.path
    visitor.follow(f"Details of {stuck}")
    assert visitor.heading == f"Commission {stuck}"
    assert "Never: only the service or you can end it." in visitor.text
    visitor.press("Accept")
    visitor.press("Accept")
    assert visitor.path == f"{COMMISSIONS}/{stuck}"
    assert "accepted" in visitor.text


def test_the_history_is_narrowed_down_and_saved(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ROOT, f"{COMMISSIONS}/history")
    visitor.fill("Who", GRACE.email)
    visitor.fill("From the project", "lab.example.org")
    visitor.choose("Outcome", "accepted")
    visitor.press("Show")
    assert "8 of compute.vm, grace@example.org in lab.example.org" in visitor.text
    assert "ada@example.org" not in visitor.text


def test_a_file_has_who_and_how_much(scene: Scene) -> None:
    browser = browser_of(scene, ROOT)
    query = urlencode({"csv": "yes", "holder": GRACE.email})
    reply = browser.send("GET", f"{browser.base_url}{COMMISSIONS}/history?{query}")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="commissions.csv"'
    heading, *lines = reply.content.decode().splitlines()
    assert heading.startswith("resolved,issued,serial,service")
    (line,) = lines
    assert f",compute,,accepted,user:{GRACE.uuid},{GRACE.email},project:{LAB},lab.example.org,," in line
    assert line.endswith(",compute.vm,8,8,8,10")


def test_several_are_settled_at_once_and_others_stay(scene: Scene) -> None:
    chosen = [pending(scene), charge(scene, COMPUTE_TOKEN, (GRACE.holding("compute.vm"), 2), settles=False)]
    left = charge(scene, COMPUTE_TOKEN, (GRACE.holding("compute.disk"), 1), settles=False)
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{COMMISSIONS}?resource=compute.vm")
    assert str(left) not in visitor.text
    for serial in chosen:
        visitor.check(str(serial))
    visitor.press("Reject")
    assert visitor.heading == "Reject 2 commissions?"
    # Meanwhile, the service has done it itself.
    assert scene.caller.act(COMPUTE_TOKEN, chosen[1], "accept") == 200
    visitor.press("Reject")
    assert visitor.path == f"{COMMISSIONS}?resource=compute.vm"
    assert "1 commission was rejected. 1 commission was not pending any more." in visitor.text
    assert pending(scene) == left


def test_a_commission_keeps_its_name_to_itself(scene: Scene) -> None:
    charges = with_projects([(GRACE.holding("compute.vm"), 1)])
    reply = scene.caller.issue(COMPUTE_TOKEN, *charges, name=NAME)
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{COMMISSIONS}/{reply.document['serial']}")
    assert NAME in visitor.text
    text = visitor.text.replace("\n", " ")
    assert "compute.vmthe user's" in text.replace(" the", "the")
    assert "compute.vmthe project's" in text.replace(" the", "the")
    assert "It is one charge, listed once for each limit." in text


def test_lists_and_the_question_say_the_name_and_the_reason(scene: Scene) -> None:
    name = NAME + "x" * 400
    reply = scene.caller.issue(COMPUTE_TOKEN, *with_projects([(GRACE.holding("compute.vm"), 1)]), name=name)
    serial = reply.document["serial"]
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, COMMISSIONS)
    assert f"“{NAME}" in visitor.text
    assert name not in visitor.text
    visitor.check(str(serial))
    visitor.fill("Reason", "The machine <never> came up.")
    visitor.press("Reject")
    assert f"{serial} “{NAME}" in visitor.text
    assert "Reason: The machine <never> came up." in visitor.text
    visitor.press("Reject")
    visitor.open(f"{COMMISSIONS}/history")
    assert f"“{NAME}" in visitor.text


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("service=nothing", "There is no service nothing."),
        ("service=%00", "There is no service"),
        ("holder=nobody", "Nobody and nothing is called nobody."),
        ("holder=astk_x", "Write what the key begins with"),
    ],
)
def test_a_filter_that_cannot_work_says_what_would(scene: Scene, query: str, refusal: str) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{COMMISSIONS}?{query}")
    assert refusal in visitor.text
    visitor.open(f"{COMMISSIONS}/history?{query}&serial=x&csv=yes")
    assert refusal in visitor.text
    assert "Write the number of a commission." in visitor.text


@pytest.mark.parametrize("path", ["", "/1", "/history", "/history?csv=yes"])
def test_others_have_no_such_pages(scene: Scene, path: str) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ADA)
    visitor.open(f"{COMMISSIONS}{path}")
    assert visitor.status == 404


def test_a_serial_that_cannot_be_is_not_found(scene: Scene) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT)
    for serial in ("0", "9" * 5000):
        visitor.open(f"{COMMISSIONS}/{serial}")
        assert visitor.status == 404
