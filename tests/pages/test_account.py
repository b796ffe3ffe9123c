"""The account of a user: their name, default project, and how numbers and times are written."""

import pytest

from pages.scene import ADA, LAB, PASSWORD, Scene
from pages.visitors import Visitor, log_in
from service.browser import Browser, page_of
from service.installation import last_event, rows


def test_a_name_and_a_default_project_are_changed(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ADA, "/ui/account")
    assert ADA.uuid in visitor.text
    visitor.fill("Last name", "Lovelace <i>")
    visitor.press("Save name")
    assert "Your name has been changed." in visitor.text
    visitor.choose("Draw from", "lab.example.org")
    visitor.press("Save project")
    assert "Your default project has been changed." in visitor.text
    changed = rows(scene.database, "SELECT last_name, default_project FROM users WHERE uuid = ?", ADA.uuid)
    assert changed == [("Lovelace <i>", LAB)]
    assert last_event(scene.database)[2] == "user.changed"


def test_numbers_and_times_are_written_as_chosen(visitor: Visitor) -> None:
    log_in(visitor, ADA, "/ui/account")
    visitor.choose("Write numbers like", "1.234.567,89")
    visitor.choose("Time zone", "Asia/Kathmandu")
    visitor.press("Save", within="Write numbers like")
    assert "written like that in this browser" in visitor.text
    visitor.open("/ui/overview")
    assert "1,25 M of 2 M tokens used" in visitor.text


@pytest.mark.parametrize(
    ("action", "fields", "status"),
    [
        ("name", {"first_name": " ", "last_name": ""}, 422),
        ("name", {"first_name": "x" * 101}, 422),
        ("name", {"first_name": "a\u202eb"}, 422),
        ("default-project", {"project": "0d0d0d0d-0000-4000-8000-00000000ffff"}, 404),
        ("default-project", {"project": "\0"}, 404),
        ("preferences", {"numbers": "en", "zone": "../../etc/passwd"}, 400),
        ("preferences", {"numbers": "<b>", "zone": ""}, 400),
    ],
)
def test_what_cannot_be_is_refused(scene: Scene, action: str, fields: dict[str, str], status: int) -> None:
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(ADA.email, PASSWORD)
    proof = page_of(browser.visit(f"{scene.base_url}/ui/account")).proof
    before = rows(scene.database, "SELECT * FROM users")
    reply = browser.send("POST", f"{scene.base_url}/ui/account/{action}", {**proof, **fields})
    assert reply.status == status
    assert rows(scene.database, "SELECT * FROM users") == before


def test_a_cookie_that_no_page_has_set_counts_as_none(scene: Scene) -> None:
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(ADA.email, PASSWORD)
    for value in ("x|y", "|", "de", "en|../x", 'en|UTC"><script>'):
        browser.cookies["astakos_preferences"] = value
        page = browser.visit(f"{scene.base_url}/ui/account")
        assert page.status == 200
        assert b"data-zone" not in page.content
