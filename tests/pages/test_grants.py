"""Grants: given from the page of a user or project, shown there, and withdrawn."""

from datetime import UTC, datetime

import pytest

from astakos.administration.grants import GrantPlace, Terms, add_grant
from astakos.administration.journal import Journal
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.clock import DAY, now
from astakos.events.event import OPERATOR
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.periods import Unit
from astakos.storage.protocol import Connection
from astakos.storage.tables import grants
from astakos.storage.tables.grants import StoredGrant
from pages.http_visitor import HttpVisitor
from pages.scene import ADA, GRACE, LAB, MONTHLY, PASSWORD, ROOT, TOKENS, Scene
from pages.visitors import Visitor, log_in
from service.browser import Browser, page_of
from service.caller import Reply
from service.installation import last_event, rows

USER = f"/ui/admin/users/{ADA.uuid}"
PROJECT = f"/ui/projects/{LAB}"
LATER = (datetime.now(UTC).date().replace(year=datetime.now(UTC).year + 1, day=1)).isoformat()


def only(scene: Scene) -> StoredGrant:
    (number,) = {row[0] for row in rows(scene.database, "SELECT number FROM grants")}
    return scene.database.read(lambda connection: grants.find(connection, int(str(number))))[0]


def given(scene: Scene, place: GrantPlace, amount: int = 5_000) -> int:
    def add(connection: Connection) -> int:
        with Journal(connection, OPERATOR, now()) as journal:
            return add_grant(connection, journal, place, Terms(amount, now(), note="thanks"), now())

    return scene.database.change(add)


def test_a_user_gets_a_grant_and_it_is_withdrawn(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ROOT, USER)
    visitor.follow("Give a grant")
    visitor.fill("Amount", "unlimited")
    visitor.press("Give the grant")
    assert "A grant cannot be unlimited." in visitor.text
    visitor.fill("Amount", "1.5 M")
    visitor.choose("In the project", "lab.example.org")
    visitor.fill("Last day", LATER)
    visitor.fill("Priority", "7")
    visitor.check(MONTHLY)
    visitor.fill("Note", "for <b>the thesis</b>")
    visitor.press("Give the grant")
    assert visitor.path == USER
    assert f"1.5 M tokens of {TOKENS} for ada@example.org." in visitor.text
    assert "for <b>the thesis</b>" in visitor.text
    assert "llm.tokens/grant" not in visitor.text, "what it holds is no limit"
    assert last_event(scene.database)[2:4] == ("grant.created", ROOT.uuid)
    made = only(scene)
    assert (made.holding.limit, made.priority, made.lifts) == (1_500_000, 7, (MONTHLY,))
    assert made.key.source == f"project:{LAB}"
    assert DAY < made.expires - now() < 367 * DAY
    visitor.follow("1 is the number of this grant", within="for <b>the thesis</b>")
    assert visitor.heading == "Grant 1"
    visitor.fill("Reason", "a mistake")
    visitor.press("Withdraw")
    assert "Grant 1 is withdrawn. 1.5 M tokens of it were left." in visitor.text
    assert last_event(scene.database)[2:4] == ("grant.revoked", ROOT.uuid)
    visitor.open("/ui/admin/grants/1")
    assert "Withdraw it" not in visitor.text


def test_a_project_gets_a_grant(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ROOT, PROJECT)
    visitor.follow("Give a grant")
    visitor.fill("Amount", "20 k")
    visitor.press("Give the grant")
    assert visitor.path == PROJECT
    assert "20,000 tokens" in visitor.text
    made = only(scene)
    assert (made.key.holder, made.key.source, made.lifts) == (f"project:{LAB}", None, None)


def test_in_their_own_project_it_is_at_both_levels(scene: Scene) -> None:
    reply = sent(scene, "give", {"resource": TOKENS, "project": ADA.uuid, "amount": "3"})
    assert reply.status == 302
    assert len(rows(scene.database, "SELECT number FROM grants")) == 2


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"amount": ""}, 422),
        ({"amount": "0"}, 422),
        ({"amount": "many"}, 422),
        ({"priority": "000001"}, 422),
        ({"note": "x" * 5000}, 422),
        ({"amount": "9" * 30}, 422),
        ({"expires": "2001-01-01"}, 422),
        ({"expires": "9999-99-99"}, 422),
        ({"starts": "2040-01-02", "expires": "2040-01-01"}, 422),
        ({"priority": "1001"}, 422),
        ({"priority": "-1"}, 422),
        ({"priority": "\u0663"}, 422),
        ({"note": "x" * 1001}, 422),
        ({"note": "a\0b"}, 422),
        ({"project": GRACE.uuid}, 422),
        ({"project": "\0"}, 422),
    ],
)
def test_what_makes_no_sense_is_refused(scene: Scene, fields: dict[str, str], status: int) -> None:
    usual = {"resource": TOKENS, "project": ADA.uuid, "amount": "3"}
    reply = sent(scene, "give", usual | fields)
    assert reply.status == status
    assert rows(scene.database, "SELECT number FROM grants") == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"amount": "9" * 30}, "This is too large for a grant. Write a smaller amount."),
        ({"note": "a\0b"}, "Remove what is no text: NUL characters and unpaired surrogates."),
    ],
)
def test_what_is_wrong_is_said(scene: Scene, fields: dict[str, str], says: str) -> None:
    usual = {"resource": TOKENS, "project": ADA.uuid, "amount": "3"}
    assert says in sent(scene, "give", usual | fields).content.decode()


def sent(scene: Scene, action: str, fields: dict[str, str]) -> Reply:
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(ROOT.email, PASSWORD)
    page = browser.visit(f"{scene.base_url}{USER}/grant")
    proof = page_of(page).proof
    return browser.send("POST", f"{scene.base_url}{USER}/grant/{action}", {**proof, **fields})


def test_it_is_asked_of_which_resource_if_there_are_several(scene: Scene) -> None:
    per_day = ResourceEntry(name="compute.vm/day", service="compute", meter=MeterDefinition(unit=Unit.DAY))
    load(scene.database, StateDocument(resources=[per_day]), now())
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT)
    visitor.open(f"{USER}/grant")
    visitor.choose("Of what", "compute.vm – Virtual machines")
    visitor.press("Go on")
    assert visitor.path == f"{USER}/grant?resource=compute.vm"
    assert "Of compute.vm" in visitor.text


def test_owners_see_grants_and_give_none(scene: Scene) -> None:
    number = given(scene, GrantPlace(None, LAB, TOKENS))
    visitor = HttpVisitor(scene)
    log_in(visitor, GRACE, PROJECT)
    assert "thanks" in visitor.text
    assert "Give a grant" not in visitor.text
    for path in (f"{PROJECT}/grant", f"{USER}/grant", f"/ui/admin/grants/{number}"):
        visitor.open(path)
        assert visitor.status == 404
    for path in ("/ui/admin/grants/0", "/ui/admin/grants/99", f"/ui/admin/grants/{'9' * 30}"):
        root = HttpVisitor(scene)
        log_in(root, ROOT)
        root.open(path)
        assert root.status == 404, path


def test_one_that_is_withdrawn_is_not_again(scene: Scene) -> None:
    number = given(scene, GrantPlace(ADA.uuid, None, TOKENS))
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(ROOT.email, PASSWORD)
    address = f"{scene.base_url}/ui/admin/grants/{number}"
    page = browser.visit(address)
    too_long = page_of(page).fields | {"reason": "x" * 9999}
    assert browser.send("POST", f"{address}/withdraw", too_long).status == 422
    assert browser.submit(page).status == 200
    assert browser.send("POST", f"{address}/withdraw", page_of(page).fields).status == 409


def test_an_amount_is_read_in_the_number_style_of_the_reader(scene: Scene) -> None:
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(ROOT.email, PASSWORD)
    proof = page_of(browser.visit(f"{scene.base_url}{USER}")).proof
    form = {**proof, "resource": TOKENS, "project": ADA.uuid, "amount": "1.000"}
    refused = browser.send("POST", f"{scene.base_url}{USER}/grant/give", form)
    assert refused.status == 422
    assert "thousands like 1,250,000" in refused.content.decode()
    browser.cookies["astakos_preferences"] = "de|"
    assert browser.send("POST", f"{scene.base_url}{USER}/grant/give", form).status == 302
    assert only(scene).holding.limit == 1000
