"""Users, as administrators find them, look at them, and decide about them."""

import re

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import StateDocument, UserEntry
from astakos.clock import now
from pages.http_visitor import HttpVisitor
from pages.scene import ADA, GRACE, LAB, PASSWORD, ROOT, Person, Scene
from pages.visitors import Visitor, log_in
from service.browser import Browser
from service.browser import page_of as read_page
from service.caller import Reply
from service.installation import rows

USERS = "/ui/admin/users"
WAITING = Person("0e0e0e0e-0000-4000-8000-000000000e0e", "waiting@example.org")


def page_of(person: Person) -> str:
    return f"{USERS}/{person.uuid}"


def sent(scene: Scene, path: str, form: dict[str, str] | None = None) -> Reply:
    """The answer to a form that an administrator sends."""
    browser = Browser(scene.caller, base_url=scene.base_url)
    page = browser.log_in(ROOT.email, PASSWORD, f"{scene.base_url}/ui/overview")
    proof = read_page(page).proof
    return browser.send("POST", f"{scene.base_url}{path}", {**proof, **(form or {})})


def test_a_user_is_found_and_looked_at_as_a_whole(visitor: Visitor) -> None:
    log_in(visitor, ROOT, USERS)
    assert "grace@example.org" in visitor.text
    visitor.fill("Find a user", "byr")
    visitor.press("Search")
    assert "q=byr" in visitor.path
    assert "grace@example.org" not in visitor.text
    visitor.follow("ada@example.org")
    assert visitor.heading == "Ada Byron"
    for told in (ADA.uuid, "lab.example.org", "compute.disk", "91 %", "user.created", "settled"):
        assert told in visitor.text
    visitor.open(f"{USERS}?state=waiting")
    assert "No user matches." in visitor.text
    visitor.follow("Show all users")
    assert visitor.path == USERS
    visitor.open(f"{USERS}?state=bogus")
    assert "There is no state bogus." in visitor.text
    assert "ada@example.org" not in visitor.text


def test_a_user_is_deactivated_and_activated_again(visitor: Visitor) -> None:
    log_in(visitor, ROOT, page_of(ADA))
    visitor.follow("Deactivate")
    assert "end at once" in visitor.text
    visitor.fill("Reason", "Asked for it <b>twice</b>")
    visitor.press("Deactivate")
    assert visitor.path == page_of(ADA)
    assert "ada@example.org has been deactivated." in visitor.text
    assert "Asked for it <b>twice</b>" in visitor.text
    visitor.press("Activate")
    assert "ada@example.org is active again." in visitor.text


def test_a_limit_is_changed_after_its_consequences_are_shown(visitor: Visitor) -> None:
    log_in(visitor, ROOT, page_of(ADA))
    visitor.follow("Change the limit of compute.disk", within="compute.disk")
    visitor.fill("New limit", "lots")
    visitor.press("See what it does")
    assert "Write an amount such as 10 GiB" in visitor.text
    visitor.fill("New limit", "50 GiB")
    visitor.press("See what it does")
    assert "The user has 41 GiB more than the new limit." in visitor.text
    visitor.press("Set this limit")
    assert "The limit of compute.disk is now 50 GiB." in visitor.text


def test_a_user_is_invited_with_a_link_that_is_shown_once(visitor: Visitor) -> None:
    log_in(visitor, ROOT, USERS)
    visitor.follow("Invite a user")
    visitor.fill("Email address", "ada@example.org")
    visitor.press("Invite")
    assert "There is a user with this address already." in visitor.text
    visitor.fill("Email address", "joan@example.org")
    visitor.fill("First name", "Joan")
    visitor.choose("Valid for", "1 day")
    visitor.choose("The link", "Show it to me, once")
    visitor.press("Invite")
    assert "joan@example.org has been added." in visitor.text
    assert "/astakos/ui/password?link=" in visitor.text
    visitor.follow("Done")
    assert visitor.heading == "Joan"
    assert "user.link_made" in visitor.text
    assert "/ui/password?link=" not in visitor.text


def test_a_user_is_erased_after_it_is_said_what_stays(visitor: Visitor) -> None:
    log_in(visitor, ROOT, page_of(ADA))
    visitor.follow("Erase")
    assert "their memberships" in visitor.text
    assert "91 GiB of compute.disk" in visitor.text
    visitor.fill("Email address of the user, to be sure", "grace@example.org")
    visitor.press("Erase for good")
    assert "Write the address of the user whom you erase." in visitor.text
    visitor.fill("Email address of the user, to be sure", "Ada@example.org")
    visitor.press("Erase for good")
    assert visitor.path == USERS
    assert "ada@example.org has been erased." in visitor.text
    visitor.open(page_of(ADA))
    assert visitor.heading == "Erased user"
    assert "Byron" not in visitor.text


def test_sessions_end_and_keys_are_revoked(visitor: Visitor, scene: Scene) -> None:
    token = "token-of-Ada".ljust(43, "-")
    made = scene.caller.post("/account/v1.0/keys", token, {"name": "night <i>job</i>"})
    assert made.status == 201, made.content
    log_in(HttpVisitor(scene), ADA)
    log_in(visitor, ROOT, page_of(ADA))
    visitor.press("End all logins")
    assert "1 login has ended." in visitor.text
    assert "They are not signed in anywhere." in visitor.text
    visitor.press("Revoke the key night <i>job</i>")
    assert visitor.heading == "Revoke the key “night <i>job</i>”?"
    visitor.press("Revoke")
    assert "They have no API keys." in visitor.text


def test_an_administrator_is_made_and_unmade(visitor: Visitor) -> None:
    log_in(visitor, ROOT, page_of(GRACE))
    visitor.follow("Make administrator")
    visitor.press("Make administrator")
    assert "grace@example.org is an administrator now." in visitor.text
    visitor.follow("Revoke administrator")
    visitor.press("Revoke administrator")
    assert "grace@example.org is no longer an administrator." in visitor.text


def test_who_waits_is_accepted_or_rejected(scene: Scene) -> None:
    entry = UserEntry(uuid=WAITING.uuid, email=WAITING.email, is_active=False, moderated=False)
    load(scene.database, StateDocument(users=[entry]), now())
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{USERS}?state=waiting")
    visitor.follow(WAITING.email)
    visitor.follow("Reject")
    visitor.fill("Reason", "Unknown\0to us")
    visitor.press("Reject")
    assert visitor.status == 422
    visitor.fill("Reason", "Unknown to us")
    visitor.press("Reject")
    assert "Unknown to us" in visitor.text
    visitor.press("Accept")
    assert f"{WAITING.email} has been accepted" in visitor.text
    assert "compute.vm" in visitor.text


def test_owners_of_projects_cannot_be_erased(scene: Scene) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{page_of(GRACE)}/erase")
    assert "lab.example.org" in visitor.text
    assert "Erase for good" not in visitor.text


def test_all_that_is_known_of_a_user_is_downloaded_and_that_is_noted(scene: Scene) -> None:
    reply = sent(scene, f"{page_of(ADA)}/export")
    assert reply.headers["content-disposition"] == f'attachment; filename="{ADA.uuid}.json"'
    assert "no-store" in reply.headers["cache-control"]
    assert reply.document["account"]["email"] == ADA.email
    assert rows(scene.database, "SELECT subject FROM events WHERE kind = 'user.exported'") == [(ADA.uuid,)]


@pytest.mark.parametrize("action", ["deactivate", "revoke-admin"])
def test_administrators_do_not_lock_themselves_out(scene: Scene, action: str) -> None:
    reply = sent(scene, f"{page_of(ROOT)}/{action}/confirm")
    assert reply.status == 409
    assert "Ask another administrator." in reply.content.decode()


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        (f"{page_of(GRACE)}/revoke-admin/confirm", f"{GRACE.email} is not an administrator.".capitalize()),
        (
            "/ui/admin/services/components/compute/remove/confirm",
            "1 commission of compute is pending; accept or reject it first.",
        ),
    ],
)
def test_refusals_on_pages_name_no_command(scene: Scene, path: str, refusal: str) -> None:
    reply = sent(scene, path)
    assert (reply.status, refusal in read_page(reply).text) == (409, True)
    assert "`astakos" not in reply.content.decode()


@pytest.mark.parametrize(
    ("action", "form"),
    [
        ("sessions/end", {"session": "999"}),
        ("sessions/end", {"session": "9" * 30}),
        ("keys/revoke", {"key": "astk_abcdefgh"}),
        ("keys/revoke", {"key": "\0"}),
        ("limit/set", {"resource": "none", "limit": "1"}),
        ("limit/set", {"resource": "compute.vm", "limit": "9" * 30}),
        ("reject/confirm", {}),
        ("activate/confirm", {"reason": "x" * 5000}),
        ("accept/confirm", {}),
    ],
)
def test_what_cannot_be_done_says_so_and_changes_nothing(
    scene: Scene, action: str, form: dict[str, str]
) -> None:
    reply = sent(scene, f"{page_of(ADA)}/{action}", form)
    assert reply.status in (404, 409, 422) or action == "activate/confirm"
    assert not rows(scene.database, "SELECT kind FROM events WHERE actor = ?", ROOT.uuid)


@pytest.mark.parametrize("path", ["nobody", LAB, f"{ADA.uuid}/limit?resource=none", "%00/erase"])
def test_what_there_is_not_has_no_page(scene: Scene, path: str) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT)
    visitor.open(f"{USERS}/{path}")
    assert visitor.status == 404


def test_a_form_for_a_link_that_is_sent_again_ends_no_link(scene: Scene) -> None:
    made = sent(scene, f"{page_of(ADA)}/link/make", {"way": "show", "newest": ""})
    assert "ui/password?link=" in made.content.decode()
    stored = rows(scene.database, "SELECT * FROM password_links")
    again = sent(scene, f"{page_of(ADA)}/link/make", {"way": "show", "newest": ""})
    assert again.status == 422
    assert "Nothing was changed" in again.content.decode()
    assert rows(scene.database, "SELECT * FROM password_links") == stored
    (newest,) = re.findall(r'name="newest" value="(\d+)"', again.content.decode())
    assert sent(scene, f"{page_of(ADA)}/link/make", {"way": "show", "newest": newest}).status == 200


def test_a_limit_is_read_and_written_in_the_style_of_the_reader(scene: Scene) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, "/ui/account")
    limit = f"{page_of(ADA)}/limit?resource=compute.vm"
    visitor.open(limit)
    visitor.fill("New limit", "1,5")
    visitor.press("See what it does")
    assert visitor.status == 422
    assert "thousands like 1,250,000" in visitor.text
    visitor.open("/ui/account")
    visitor.choose("Write numbers like", "1.234.567,89")
    visitor.press("Save", within="Write numbers like")
    for text, shown in (("1.000", "1.000"), ("1,5 k", "1.500")):
        visitor.open(limit)
        visitor.fill("New limit", text)
        visitor.press("See what it does")
        visitor.press("Set this limit")
        assert f"The limit of compute.vm is now {shown}." in visitor.text
    visitor.open(limit)
    visitor.press("See what it does")
    assert "1.500 → 1.500" in visitor.text
    visitor.fill("New limit", "1.00.0")
    visitor.press("See what it does")
    assert visitor.status == 422
    assert "thousands like 1.250.000" in visitor.text
