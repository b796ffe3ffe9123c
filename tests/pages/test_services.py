"""Components, services and resources, as administrators register and change them."""

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import pytest

from astakos.administration.default_following import follow_defaults
from astakos.administration.load import load
from astakos.administration.state_document import ServiceEntry, StateDocument
from astakos.clock import now
from astakos.storage.tables import default_limits, registry
from pages.http_visitor import HttpVisitor
from pages.scene import COMPUTE_TOKEN, LAB, MONTHLY, PASSWORD, ROOT, TOKENS, Scene
from pages.visitors import Visitor, log_in
from service.browser import Browser, page_of
from service.caller import COMMISSIONS, Reply
from service.installation import last_event, rows

SERVICES = "/ui/admin/services"
COMPUTE = f"{SERVICES}/components/compute"
DISK = f"{SERVICES}/resources/compute.disk"
SECRET = re.compile(r"[A-Za-z0-9_-]{40,}")
SECRET_CODE = re.compile(r'<code id="secret">([^<]+)</code>')
TOKENS_STORED = "SELECT name, created, expires FROM component_tokens ORDER BY name"


def secret_on(visitor: Visitor) -> str:
    found = SECRET.search(visitor.text)
    assert found is not None
    return found[0]


def test_a_component_is_registered_with_a_resource_that_is_counted(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ROOT, SERVICES)
    visitor.follow("Register a component")
    visitor.fill("Name", "compute")
    visitor.press("Register")
    assert "There is a component or service of this name already." in visitor.text
    visitor.fill("Name", "mail")
    visitor.fill("Address of its API", "https://mail.example.org/v1")
    visitor.press("Register")
    assert scene.caller.get(COMMISSIONS, secret_on(visitor)).status == 200
    visitor.follow("Done")
    assert "https://mail.example.org/v1" in visitor.text
    visitor.open(f"{SERVICES}/new-resource")
    visitor.fill("Name", "mail.box")
    visitor.press("Register")
    assert "Choose the service that charges it." in visitor.text
    visitor.choose("Service", "mail")
    visitor.fill("Description", "Mail <b>boxes</b>")
    visitor.fill("Default limit of each user", "many")
    visitor.press("Register")
    assert "Write an amount such as 20" in visitor.text
    visitor.fill("Default limit of each user", "5")
    visitor.press("Register")
    assert visitor.heading == "mail.box"
    assert "Mail <b>boxes</b>" in visitor.text
    assert "5 for each user" in visitor.text


def test_a_token_is_replaced_with_an_overlap(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ROOT, COMPUTE)
    visitor.choose("The present token stays valid for", "1 hour")
    visitor.press("Make a new token")
    assert "The token before is still valid for 1 hour" in visitor.text
    new = secret_on(visitor)
    assert [scene.caller.get(COMMISSIONS, one).status for one in (new, COMPUTE_TOKEN)] == [200, 200]
    visitor.follow("Done")
    assert new not in visitor.text
    visitor.press("Revoke the token default-replaced")
    visitor.press("Revoke")
    assert "The token “default-replaced” has been revoked." in visitor.text
    assert [scene.caller.get(COMMISSIONS, one).status for one in (new, COMPUTE_TOKEN)] == [200, 401]


def test_a_default_limit_is_changed_after_it_is_said_whom_it_concerns(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ROOT, DISK)
    visitor.follow("Change the default limit")
    visitor.fill("New default limit", "95 GiB")
    visitor.press("See whom it concerns")
    assert "None of them uses more than 95 GiB." in visitor.text
    visitor.fill("New default limit", "50 GiB")
    visitor.press("See whom it concerns")
    assert "3 users have the default of 100 GiB." in visitor.text
    assert "1 of those who have the default use more than 50 GiB." in visitor.text
    visitor.choose("Users who have the default", "follow: they get 50 GiB")
    visitor.press("Set the default")
    assert "New users get a limit of 50 GiB. So do users who had the default." in visitor.text
    limits = rows(
        scene.database,
        """SELECT DISTINCT "limit" FROM holdings WHERE resource = ? AND source = '' AND holder <> ?""",
        "compute.disk",
        f"project:{LAB}",
    )
    assert limits == [(50 * 2**30,)]


def test_a_default_that_many_follow_goes_on_in_the_background(
    visitor: Visitor, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(default_limits, "AT_A_TIME", 1)
    monkeypatch.setattr("astakos.service.default_limits.MOST_STEPS", 1)
    log_in(visitor, ROOT, f"{SERVICES}/default-limit/compute.disk?limit=50+GiB")
    visitor.choose("Users who have the default", "follow: they get 50 GiB")
    visitor.press("Set the default")
    assert "Users who have the default get 50 GiB in the background." in visitor.text
    assert "some thousand at a time: 1 so far" in visitor.text
    visitor.follow("Change the default limit")
    assert "New default limit" not in visitor.text
    visitor.press("Stop")
    visitor.press("Stop")
    assert "Nobody else follows. 1 user has the new limit." in visitor.text
    assert "A new default of 50 GiB was not completed" in visitor.text
    assert last_event(scene.database)[2:4] == ("resource.default_follow_stopped", ROOT.uuid)
    visitor.follow("Change the default limit")
    visitor.fill("New default limit", "50 GiB")
    visitor.press("See whom it concerns")
    visitor.choose("Users who have the default", "follow: they get 50 GiB")
    visitor.press("Set the default")
    follow_defaults(scene.database, now())
    visitor.open(DISK)
    assert "50 GiB for each user" in visitor.text
    assert "completed" not in visitor.text


def test_a_resource_is_limited_by_period_and_the_period_changed(visitor: Visitor) -> None:
    log_in(visitor, ROOT, DISK)
    visitor.follow("Limit it by period")
    visitor.fill("How many", "0")
    visitor.fill("Default limit of each user", "1 TiB")
    visitor.press("Register")
    assert "Write a whole number, from 1." in visitor.text
    visitor.fill("How many", "1")
    visitor.press("Register")
    assert visitor.heading == "compute.disk/month"
    assert "1 TiB for each user" in visitor.text
    visitor.follow("Change the period")
    visitor.fill("Time zone", "Nowhere")
    visitor.press("Save")
    assert visitor.status == 422
    visitor.fill("Time zone", "Europe/Athens")
    visitor.press("Save")
    assert "each month, Europe/Athens" in visitor.text


def test_a_component_is_removed_unless_something_is_pending(scene: Scene) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{COMPUTE}/remove")
    assert "1 of its commissions is pending." in visitor.text
    visitor.open(f"{SERVICES}/components/models/remove")
    assert TOKENS in visitor.text
    visitor.press("Remove")
    assert "models has been removed. It stays listed" in visitor.text
    visitor.open(f"{SERVICES}/components/astakos/remove")
    assert visitor.status == 409


def test_what_is_registered_is_changed(scene: Scene) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{COMPUTE}/change")
    visitor.fill("Address of its web pages", "javascript:alert(1)")
    visitor.press("Save")
    assert visitor.status == 422
    visitor.fill("Address of its web pages", "https://machines.example.org/")
    visitor.choose("It may charge", "Its own resources, and those below")
    visitor.fill("Other resources that it may charge", "no.such")
    visitor.press("Save")
    assert "There is no resource 'no.such'; there are compute.disk, compute.ram, " in visitor.text
    assert "astakos resource" not in visitor.text
    visitor.fill("Other resources that it may charge", TOKENS)
    visitor.press("Save")
    assert "https://machines.example.org/" in visitor.text
    assert f"its own resources, {TOKENS}" in visitor.text
    visitor.open(f"{SERVICES}/change-resource/{MONTHLY}")
    visitor.choose("Seen by", "Programs only")
    visitor.choose("Limits", "Only report what they would refuse")
    visitor.press("Save")
    assert f"{MONTHLY} has been changed." in visitor.text
    assert "only report what they would refuse" in visitor.text


def test_a_component_gets_a_second_service(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ROOT, COMPUTE)
    visitor.follow("Add a service")
    visitor.fill("Name", "models")
    visitor.press("Add")
    assert "There is a service of this name already." in visitor.text
    visitor.fill("Name", "compute_images")
    visitor.fill("Endpoints", "images.example.org v1")
    visitor.press("Add")
    assert visitor.status == 422
    visitor.fill("Endpoints", "https://images.example.org/v1/ v1.0\nhttps://images.example.org/v2 v2.0")
    visitor.press("Add")
    assert "The service compute_images has been registered." in visitor.text
    assert "https://images.example.org/v2" in visitor.text
    with_more = {"publicURL": "https://images.example.org/v2", "versionId": "v2.0", "SNF:uiURL": "https://ui"}
    more = ServiceEntry(name="compute_images", type="x", component="compute", endpoints=[with_more])
    load(scene.database, StateDocument(services=[more]), now())
    visitor.follow("Change the service compute_images")
    visitor.fill("Type", "image")
    visitor.fill("Endpoints", "https://images.example.org/v2 v2.1")
    visitor.press("Save")
    assert "The service compute_images has been changed." in visitor.text
    services = {one.name: one for one in scene.database.read(registry.list_services)}
    changed = services["compute_images"]
    assert changed.type == "image"
    assert [dict(one) for one in changed.endpoints] == [with_more | {"versionId": "v2.1"}]


def test_its_own_services_are_registered_by_itself(scene: Scene) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, SERVICES)
    for path, status in (
        ("components/astakos/new-service", 409),
        ("change-service/astakos_account", 409),
        ("components/none/new-service", 404),
        ("change-service/none", 404),
    ):
        visitor.open(f"{SERVICES}/{path}")
        assert visitor.status == status, path


def test_without_thresholds_the_usual_ones_count_again(scene: Scene) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT)
    for given, stored in (("none", "no percentage"), ("", "the usual percentages")):
        visitor.open(f"{SERVICES}/change-resource/compute.vm")
        visitor.fill("Tell users at", given)
        visitor.press("Save")
        assert stored in visitor.text


def test_thresholds_are_set(visitor: Visitor) -> None:
    log_in(visitor, ROOT, f"{SERVICES}/change-resource/compute.vm")
    for wrong, told in (
        ("many", "Write percentages such as 50, 80, 100"),
        ("90, 80", "Thresholds must ascend"),
        ("0", "must be a percentage from 1"),
    ):
        visitor.fill("Tell users at", wrong)
        visitor.press("Save")
        assert told in visitor.text
    for given, stored in (("50, 90 %", "50, 90 percent"), ("none", "no percentage")):
        visitor.open(f"{SERVICES}/change-resource/compute.vm")
        visitor.fill("Tell users at", given)
        visitor.press("Save")
        assert stored in visitor.text


@pytest.mark.parametrize(
    "path",
    [
        "components/none",
        "components/%00/remove",
        "resources/none",
        "default-limit/none",
        "change-resource/none",
        f"new-meter/{MONTHLY}",
        "change-meter/compute.vm",
    ],
)
def test_what_there_is_not_has_no_page(scene: Scene, path: str) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT)
    visitor.open(f"{SERVICES}/{path}")
    assert visitor.status == 404


def test_a_form_that_is_sent_again_replaces_and_revokes_no_other_token(scene: Scene) -> None:
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(ROOT.email, PASSWORD)

    def made() -> str:
        text = browser.visit(f"{scene.base_url}{COMPUTE}").content.decode()
        return str(re.findall(r'name="made" value="(\d*)"', text)[-1])

    def send(action: str, made: str, **fields: str) -> Reply:
        proof = page_of(browser.visit(f"{scene.base_url}{COMPUTE}")).proof
        form = {**proof, "token": "default", "made": made, **fields}
        return browser.send("POST", f"{scene.base_url}{COMPUTE}/{action}", form)

    first = made()
    new = SECRET_CODE.findall(send("token", first, overlap="24").content.decode())
    stored = rows(scene.database, TOKENS_STORED)
    for confirmed in ("", "yes"):
        again = send("token", first, overlap="0", confirmed=confirmed)
        assert rows(scene.database, TOKENS_STORED) == stored
    assert again.status == 409
    assert "Nothing was changed" in again.content.decode()
    assert send("revoke-token", first, confirmed="yes").status == 409
    assert [scene.caller.get(COMMISSIONS, one).status for one in (*new, COMPUTE_TOKEN)] == [200, 200]
    # Nobody may have seen the new one: it can be replaced without ending the one before.
    assert send("revoke-token", made(), confirmed="yes").status == 302
    another = SECRET_CODE.findall(send("token", made(), overlap="24").content.decode())
    assert [scene.caller.get(COMMISSIONS, one).status for one in (*another, *new, COMPUTE_TOKEN)] == [
        200,
        401,
        200,
    ]
    asked = send("token", made(), overlap="24")
    assert "“default-replaced” is still valid and ends now" in asked.content.decode()


@pytest.mark.parametrize(
    ("page", "action", "fields"),
    [
        ("new-component", "new-component/register", ("type", "base_url", "ui_url", "version")),
        ("components/compute/change", "components/compute/change/save", ("base_url", "ui_url", "others")),
        ("components/compute/new-service", "components/compute/new-service/register", ("type", "endpoints")),
        ("change-service/compute", "save-service/compute", ("type", "endpoints")),
    ],
)
def test_text_that_is_too_long_is_refused_at_its_field(
    scene: Scene, page: str, action: str, fields: Sequence[str]
) -> None:
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(ROOT.email, PASSWORD)
    proof = page_of(browser.visit(f"{scene.base_url}{SERVICES}/{page}")).proof
    registered = [rows(scene.database, f"SELECT * FROM {one}") for one in ("components", "services")]
    for name in fields:
        form = {**proof, "name": "storage", "right": "own", name: "x" * 10_001}
        reply = browser.send("POST", f"{scene.base_url}{SERVICES}/{action}", form)
        assert reply.status == 422, name
        told = page_of(reply)
        assert told.element(name)["aria-invalid"] == "true"
        assert "These are 10,001." in told.text
    assert registered == [rows(scene.database, f"SELECT * FROM {one}") for one in ("components", "services")]


def test_what_is_stored_may_be_longer(scene: Scene) -> None:
    rows(scene.database, "UPDATE components SET base_url = ? WHERE name = 'compute'", f"https://{'x' * 1200}")
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{COMPUTE}/change")
    visitor.fill("Address of its web pages", "https://new.example.org/")
    visitor.press("Save")
    assert "compute has been changed." in visitor.text


def test_no_field_is_cut_off_by_browsers() -> None:
    templates = files("astakos.pages") / "templates"
    assert all("maxlength=" not in one.read_text() for one in Path(str(templates)).rglob("*.html"))


def test_text_of_a_resource_that_is_too_long_is_refused_and_not_cut(scene: Scene) -> None:
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(ROOT.email, PASSWORD)
    form_page = f"{scene.base_url}{SERVICES}/new-resource"
    page = browser.visit(form_page)
    assert "maxlength" not in page.content.decode()
    usual = {"name": "compute.x", "service": "compute", "scale": "0", "unit": "", "description": ""}
    usual |= page_of(page).proof
    usual |= dict.fromkeys(("system_default", "project_default", "max_debt"), "0")
    before = rows(scene.database, "SELECT * FROM resources")
    for name in ("name", "description", "unit", "system_default", "thresholds"):
        reply = browser.send("POST", f"{form_page}/register", {**usual, name: "x" * 1001})
        assert reply.status == 422, name
    assert rows(scene.database, "SELECT * FROM resources") == before
