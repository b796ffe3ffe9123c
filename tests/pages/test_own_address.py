"""A user changes their mail address: with the password, and by a link that is mailed to the new one."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from astakos.administration.accounts import find_user
from astakos.administration.password_links import make_link, new_secret_of
from astakos.clock import DAY, now
from astakos.deliveries.planning import mail_addresses
from astakos.directory.password_links import ADDRESS_LIFETIME, LinkPurpose, address_link_address
from astakos.events.event import OPERATOR
from astakos.events.notices import NOTICES
from astakos.processes.listening import LOOPBACK, listen
from astakos.server.running import serving
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, password_links, settings
from pages.scene import ADA, GRACE, PASSWORD, Person, Scene
from pages.visitors import Visitor, log_in
from service.browser import Browser, page_of
from service.caller import Caller, Reply
from service.installation import all_rows, last_event, rows

NEW = "ada@new.example.org"
HOUR_LATER = "UPDATE password_links SET expires = expires - ?"


def mailed(scene: Scene, person: Person = ADA) -> str:
    """The path of the link that the newest mail to a new address of somebody has."""

    def find(connection: Connection) -> int:
        user = find_user(connection, person.uuid)
        link = password_links.find_newest(connection, user.id, LinkPurpose.ADDRESS)
        assert link is not None
        assert 0 < link.expires - now() <= ADDRESS_LIFETIME
        return link.id

    number = scene.database.read(find)
    secret = scene.database.change(lambda connection: new_secret_of(connection, number, now()))
    assert secret is not None
    return address_link_address("", secret)


def told(scene: Scene) -> list[str]:
    """Who is mailed because of the last event."""

    def read(connection: Connection) -> list[str]:
        head = events.find_head(connection).number
        (found,) = events.read(connection, events.Wanted(after=head - 1), 1)
        return mail_addresses(connection, found.event, NOTICES[found.event.kind])

    return scene.database.read(read)


def browser_of(scene: Scene, person: Person) -> Browser:
    browser = Browser(scene.caller, base_url=scene.base_url)
    assert browser.log_in(person.email, PASSWORD).status == 200
    return browser


def ask(browser: Browser, email: str, password: str = PASSWORD) -> Reply:
    proof = page_of(browser.visit(f"{browser.base_url}/ui/account/address")).proof
    form = {**proof, "email": email, "present": password}
    return browser.send("POST", f"{browser.base_url}/ui/account/address/ask", form)


def test_a_user_changes_their_address(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ADA, "/ui/account")
    visitor.follow("Change email address")
    visitor.fill("New email address", NEW)
    visitor.fill("Present password", "a wrong password")
    visitor.press("Send a link")
    assert "This is not your present password." in visitor.text
    visitor.fill("New email address", NEW)
    visitor.fill("Present password", PASSWORD)
    visitor.press("Send a link")
    assert visitor.heading == "Look at your mail"
    assert (last_event(scene.database)[2], told(scene)) == ("user.address_requested", [NEW])
    assert rows(scene.database, "SELECT email FROM users WHERE uuid = ?", ADA.uuid) == [(ADA.email,)]
    path = mailed(scene)
    assert path.partition("link=")[2] not in repr(all_rows(scene.database))
    visitor.open(path)
    assert visitor.path == "/ui/account/address/confirm"
    assert f"You have {ADA.email}. From now on, you sign in with {NEW}" in visitor.text
    visitor.press("Use this address")
    assert f"Your email address is now {NEW}." in visitor.text
    assert (last_event(scene.database)[2], told(scene)) == ("user.address_confirmed", [ADA.email])
    changed = rows(scene.database, "SELECT email, username FROM users WHERE uuid = ?", ADA.uuid)
    assert changed == [(NEW, NEW)]
    visitor.open(path)
    assert (visitor.status, visitor.heading) == (404, "This link does not work")


def test_nobody_is_told_whether_an_address_is_taken(scene: Scene) -> None:
    browser = browser_of(scene, ADA)

    def answer(email: str) -> tuple[int, str, object]:
        reply = ask(browser, email)
        return reply.status, page_of(reply).text.replace(email, ""), last_event(scene.database)[2]

    assert answer(NEW) == answer(GRACE.email) == (200, answer(NEW)[1], "user.address_requested")
    ask(browser, GRACE.email)
    question = browser.visit(f"{scene.base_url}{mailed(scene)}")
    taken = browser.submit(question)
    assert (taken.status, "Another user has this address." in page_of(taken).text) == (409, True)
    assert rows(scene.database, "SELECT email FROM users WHERE uuid = ?", ADA.uuid) == [(ADA.email,)]


def test_only_who_asked_confirms_and_only_with_their_link(scene: Scene) -> None:
    ada, grace = browser_of(scene, ADA), browser_of(scene, GRACE)
    assert ask(ada, NEW).status == 200
    path = mailed(scene)
    assert grace.visit(f"{scene.base_url}{path}").status == 404
    stranger = Browser(scene.caller, base_url=scene.base_url)
    login = stranger.visit(f"{scene.base_url}{path}")
    assert page_of(login).title.startswith("Sign in")
    assert "link%3D" not in login.content.decode()
    secret = path.partition("link=")[2]
    assert stranger.visit(f"{scene.base_url}/ui/password?link={secret}").status == 404

    invitation = scene.database.change(
        lambda connection: make_link(
            connection, OPERATOR, find_user(connection, ADA.uuid), now() + DAY, now()
        )
    )
    assert ada.visit(f"{scene.base_url}/ui/account/address/confirm?link={invitation}").status == 404
    question = ada.visit(f"{scene.base_url}{path}")
    form = page_of(question).fields
    use = f"{scene.base_url}/ui/account/address/use"
    assert ada.send("POST", use, form | {"address": GRACE.email}).status == 200, "it is asked again"
    assert ada.send("POST", use, form | {"csrf_token": "x"}).status == 403
    rows(scene.database, HOUR_LATER, ADDRESS_LIFETIME)
    assert ada.send("POST", use, form).status == 404
    assert rows(scene.database, "SELECT email FROM users WHERE uuid = ?", ADA.uuid) == [(ADA.email,)]


def test_links_to_the_old_address_end(scene: Scene) -> None:
    ada = browser_of(scene, ADA)
    ask(ada, NEW)
    invitation = scene.database.change(
        lambda connection: make_link(
            connection, OPERATOR, find_user(connection, ADA.uuid), now() + DAY, now()
        )
    )
    assert ada.submit(ada.visit(f"{scene.base_url}{mailed(scene)}")).status == 200
    assert ada.visit(f"{scene.base_url}/ui/password?link={invitation}").status == 404
    assert ada.is_logged_in()


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "a@b@c",
        "a@b.org, c@d.org",
        "a\0@b.org",
        f"{'x' * 250}@b.org",
        f"{'x' * 65}@b.org",
        ADA.email,
    ],
)
def test_what_is_no_new_address_is_refused(scene: Scene, email: str) -> None:
    assert ask(browser_of(scene, ADA), email).status == 422
    assert rows(scene.database, "SELECT id FROM password_links") == []


def test_requests_are_limited(scene: Scene) -> None:
    browser = browser_of(scene, ADA)
    for address in ("a@example.org", "b@example.org"):
        assert ask(browser, address).status == 200
    rows(scene.database, "UPDATE login_attempts SET count = 1000")
    assert ask(browser, "c@example.org").status == 429, "this user has asked too often"
    rows(scene.database, "DELETE FROM login_attempts")
    assert ask(browser_of(scene, GRACE), "a@example.org").status == 200
    rows(scene.database, "UPDATE login_attempts SET count = 1000")
    assert ask(browser, "a@example.org").status == 429, "this address was asked for too often"


@contextmanager
def without_mail(scene: Scene) -> Iterator[Browser]:
    with listen(LOOPBACK, 0) as listener:
        base_url = f"http://{LOOPBACK}:{listener.getsockname()[1]}/astakos"
        with serving(Service(scene.database, base_url), listener):
            browser = Browser(Caller(base_url), base_url=base_url)
            browser.log_in(ADA.email, PASSWORD)
            yield browser


@pytest.mark.parametrize(
    ("settled", "told"),
    [
        ({}, "Write to help@example.org, or call 555 0100."),
        ({"forgotten_password": "", "helpdesk": ["desk@example.org"]}, "Write to desk@example.org."),
        ({"forgotten_password": ""}, "an administrator has to change it"),
    ],
)
def test_without_mail_the_page_says_whom_to_ask(scene: Scene, settled: dict[str, object], told: str) -> None:
    for name, value in settled.items():
        scene.database.change(partial(settings.save, name=name, value=value))
    with without_mail(scene) as browser:
        assert told in page_of(browser.visit(f"{browser.base_url}/ui/account/address")).text
        proof = page_of(browser.visit(f"{browser.base_url}/ui/account")).proof
        form = {**proof, "email": NEW, "present": PASSWORD}
        reply = browser.send("POST", f"{browser.base_url}/ui/account/address/ask", form)
    assert told in page_of(reply).text
    assert rows(scene.database, "SELECT id FROM password_links") == []
