"""Setting a password with a link: for a first login, and after having forgotten the old one."""

import pytest

from astakos.administration.accounts import find_user
from astakos.administration.password_links import make_link, new_secret_of
from astakos.clock import DAY, now
from astakos.directory.password_links import RECOVERY_LIFETIME, LinkPurpose, link_address
from astakos.events.event import OPERATOR
from astakos.storage.tables.password_links import find_newest
from pages.scene import ADA, GRACE, PASSWORD, Scene
from pages.visitors import Visitor
from service.browser import Browser, page_of
from service.installation import rows

NEW = "another long password"


def linked(scene: Scene) -> str:
    """The path of a link that an administrator has made for Ada."""

    secret = scene.database.change(
        lambda connection: make_link(
            connection, OPERATOR, find_user(connection, ADA.uuid), now() + DAY, now()
        )
    )
    return link_address("", secret)


def test_a_first_login_with_a_link(visitor: Visitor, scene: Scene) -> None:
    path = linked(scene)
    visitor.open(path)
    assert "For ada@example.org at Example Cloud." in visitor.text
    visitor.fill("New password", "short")
    visitor.fill("The new password again", "short")
    visitor.press("Set password")
    assert "A password must have 8 to 1024 characters." in visitor.text
    visitor.fill("New password", NEW)
    visitor.fill("The new password again", NEW + "!")
    visitor.press("Set password")
    assert "This is not the same password." in visitor.text
    visitor.fill("New password", NEW)
    visitor.fill("The new password again", NEW)
    visitor.press("Set password")
    assert visitor.heading == "Your password is set"
    visitor.follow("Sign in")
    visitor.fill("Username (email address)", ADA.email)
    visitor.fill("Password", NEW)
    visitor.press("Sign in")
    assert visitor.heading == "Overview"
    visitor.open(path)
    assert (visitor.status, visitor.heading) == (404, "This link has ended")


def test_a_forgotten_password_is_replaced_with_a_link_by_mail(visitor: Visitor, scene: Scene) -> None:
    visitor.open("/ui/login")
    visitor.follow("Forgotten your password?")
    visitor.fill("Email address", ADA.email)
    visitor.press("Send a link")
    assert visitor.heading == "Look at your mail"
    link = scene.database.read(
        lambda connection: find_newest(connection, find_user(connection, ADA.uuid).id, LinkPurpose.RECOVERY)
    )
    assert link is not None
    assert 0 < link.expires - now() <= RECOVERY_LIFETIME
    secret = scene.database.change(lambda connection: new_secret_of(connection, link.id, now()))
    assert secret is not None
    visitor.open(link_address("", secret))
    assert visitor.heading == "Set your password"


def test_nobody_is_told_whether_an_address_exists_and_requests_are_limited(scene: Scene) -> None:
    browser = Browser(scene.caller, base_url=scene.base_url)
    page = browser.visit(f"{scene.base_url}/ui/forgotten")
    proof = page_of(page).fields["csrf_token"]

    def ask(address: str) -> tuple[int, str]:
        form = {"csrf_token": proof, "email": address}
        reply = browser.send("POST", f"{scene.base_url}/ui/forgotten", form)
        return reply.status, page_of(reply).text.replace(address or "?", "")

    assert ask(ADA.email) == ask("nobody@example.org")
    assert ask(" ")[0] == ask("x" * 300)[0] == 422
    assert ask("\0")[0] == 200
    rows(scene.database, "UPDATE login_attempts SET count = 1000")
    assert ask(ADA.email)[0] == ask("nobody@example.org")[0] == 429
    assert len(rows(scene.database, "SELECT id FROM password_links")) == 1


def test_forms_and_links_of_others_do_nothing(scene: Scene) -> None:
    browser = Browser(scene.caller, base_url=scene.base_url)
    page = browser.visit(f"{scene.base_url}{linked(scene)}")
    form = {**page_of(page).fields, "password": NEW, "repeated": NEW}
    address = f"{scene.base_url}/ui/password"
    secret = browser.cookies["astakos_link"]
    stranger = Browser(scene.caller, base_url=scene.base_url)
    assert stranger.send("POST", address, form).status == 403
    assert browser.send("POST", address, form, Origin="https://evil.example").status == 403
    assert browser.send("POST", address, form | {"csrf_token": "x"}).status == 403
    for link in ("", "x", "x" * 43, "x" * 500):
        browser.cookies["astakos_link"] = link
        assert browser.send("POST", address, form).status == 404
    browser.cookies["astakos_link"] = secret
    assert browser.send("POST", address, form | {"user": GRACE.uuid}).status == 422
    assert browser.log_in(ADA.email, PASSWORD).status == 200
    assert secret.encode() not in page.content
    assert "same-origin" in page.headers["referrer-policy"]


def test_the_secret_of_a_link_is_taken_out_of_the_address(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    path = linked(scene)
    secret = path.partition("link=")[2]
    browser = Browser(scene.caller, base_url=scene.base_url)
    for method in ("HEAD", "GET"):
        reply = browser.send(method, f"{scene.base_url}{path}")
        assert (reply.status, reply.headers["location"]) == (302, f"{scene.base_url}/ui/password")
    (cookie,) = browser.set_cookies
    assert cookie.startswith(f"astakos_link={secret}; Path=/astakos/ui/password; Max-Age=3600; HttpOnly")
    page = browser.visit(reply.headers["location"])
    assert (page.status, secret in page.content.decode()) == (200, False)
    assert browser.send("GET", f"{scene.base_url}/ui/password?link=x").status == 302
    assert "astakos_link" not in browser.cookies, "what is no link must not show an earlier one"
    assert browser.visit(f"{scene.base_url}/ui/password").status == 404
    assert caplog.records
    assert secret not in caplog.text
