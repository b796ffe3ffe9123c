"""What gives access in the name of a user: they see it, and end it."""

import re
from functools import partial

from astakos.clock import now
from astakos.events.change_allowance import ALLOWANCES
from astakos.events.event import Actor, Event
from astakos.storage.tables import events
from pages.scene import ADA, GRACE, PASSWORD, Person, Scene
from pages.visitors import Visitor, log_in
from service.browser import Browser, page_of
from service.caller import Reply
from service.installation import last_event, rows

NEW = "another long password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CODE = re.compile(r'<code id="secret">([^<]+)</code>')


def entered(
    scene: Scene, person: Person = ADA, password: str = PASSWORD, agent: str = "nobody knows"
) -> Browser:
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.headers["User-Agent"] = agent
    assert browser.log_in(person.email, password).status == 200
    return browser


def act(browser: Browser, path: str, **fields: str) -> Reply:
    proof = page_of(browser.visit(f"{browser.base_url}/ui/access")).proof
    return browser.send("POST", f"{browser.base_url}{path}", {**proof, **fields})


def test_a_key_is_made_shown_once_used_and_revoked(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ADA, "/ui/access")
    assert "You have no API keys." in visitor.text
    visitor.follow("Make a key")
    visitor.fill("Name", "backups on <b>mars</b>")
    visitor.check("models")
    visitor.unfold("Limit what it may use")
    visitor.fill("llm.tokens/month", "a lot")
    visitor.press("Make key")
    assert visitor.status == 422
    assert "Write an amount such as" in visitor.text
    visitor.fill("llm.tokens/month", "10000")
    visitor.press("Make key")
    assert visitor.heading == "Your new key", visitor.text
    (key,) = re.findall(r"astk_\w+", visitor.text)
    asked = scene.caller.get("/account/v1.0/authenticate", key, Astakos_Service="models")
    assert asked.document["uuid"] == ADA.uuid
    assert scene.caller.get("/account/v1.0/authenticate", key, Astakos_Service="compute").status == 401
    visitor.follow("See the key")
    assert visitor.heading == "backups on <b>mars</b>"
    assert key not in visitor.text
    assert "10,000 left" in visitor.text
    visitor.fill("Name", "backups")
    visitor.press("Save changes")
    assert "The key has been changed." in visitor.text
    visitor.press("Replace")
    assert visitor.heading == "The new text of the key"
    visitor.follow("See the key")
    visitor.press("Revoke key")
    assert visitor.heading == "Revoke the key backups?"
    visitor.press("Revoke key")
    assert "The key backups has been revoked." in visitor.text
    assert rows(scene.database, "SELECT count(*) FROM api_keys") == [(0,)]


def test_who_has_changed_too_much_is_told_when_to_go_on(scene: Scene) -> None:
    ada = entered(scene)
    change = Event("user.changed", Actor(ADA.uuid, "192.0.2.7"), subject=ADA.uuid, after={"a": "b"})
    most = ALLOWANCES[0].most
    scene.database.change(partial(events.record_all, happened=[change] * most, now=now()))
    reply = act(ada, "/ui/access/keys/make", name="one more", expires="")
    assert reply.status == 429
    assert 3500 < int(reply.headers["retry-after"]) <= 3600
    assert "You have made too many changes; nothing was changed. Try again in" in reply.content.decode()
    assert rows(scene.database, "SELECT count(*) FROM api_keys") == [(0,)]


def test_keys_of_others_do_not_exist(scene: Scene) -> None:
    grace, ada = entered(scene, GRACE), entered(scene)
    made = act(grace, "/ui/access/keys/make", name="mine", expires="")
    (text,) = CODE.findall(made.content.decode())
    prefix = text[:13]
    assert grace.send("GET", f"{scene.base_url}/ui/access/keys/{prefix}").status == 200
    before = rows(scene.database, "SELECT * FROM api_keys")
    assert ada.send("GET", f"{scene.base_url}/ui/access/keys/{prefix}").status == 404
    for action in ("change", "rotate", "revoke"):
        path = f"/ui/access/keys/{action}"
        assert act(ada, path, key=prefix, name="x", confirmed="yes").status == 404
        assert act(ada, path, key="\0", name="x", confirmed="yes").status == 404
    assert rows(scene.database, "SELECT * FROM api_keys") == before
    for fields in (
        {"name": "", "expires": ""},
        {"name": "x\ny", "expires": ""},
        {"name": "x", "expires": "2001-01-01"},
        {"name": "x", "expires": "9999-12-32"},
        {"name": "x", "expires": "", "project": GRACE.uuid},
        {"name": "x", "expires": "", "limit-compute.vm": "-1"},
    ):
        assert act(ada, "/ui/access/keys/make", **fields).status == 422, fields
    assert rows(scene.database, "SELECT * FROM api_keys") == before


def test_a_form_that_is_sent_again_replaces_no_other_text(scene: Scene) -> None:
    ada = entered(scene)
    (key,) = CODE.findall(act(ada, "/ui/access/keys/make", name="k", expires="").content.decode())
    prefix = key[:13]
    page = ada.visit(f"{scene.base_url}/ui/access/keys/{prefix}").content.decode()
    (made,) = re.findall(r'name="text_made" value="(\d+)"', page)
    form = {"key": prefix, "overlap": "0", "text_made": made}
    (new,) = CODE.findall(act(ada, "/ui/access/keys/rotate", **form).content.decode())
    again = act(ada, "/ui/access/keys/rotate", **form)
    assert again.status == 422
    assert "Nothing was changed" in again.content.decode()
    for text, status in ((key, 401), (new, 200)):
        assert scene.caller.get("/account/v1.0/authenticate", text).status == status


def test_a_change_keeps_what_the_form_does_not_offer(scene: Scene) -> None:
    ada = entered(scene)
    made = act(ada, "/ui/access/keys/make", name="k", expires="2999-03-01", **{"service-compute": "yes"})
    prefix = CODE.findall(made.content.decode())[0][:13]
    limits = '{"services": ["compute", "gone"], "calls": ["quotas"], "networks": ["192.0.2.0/24"]}'
    rows(scene.database, "UPDATE api_keys SET limits = ?, expires = expires - 5", limits)
    form = {"key": prefix, "name": "renamed", "expires": "2999-03-01", "service-models": "yes"}
    assert act(ada, "/ui/access/keys/change", **form).status == 302
    ((name, changed, expires),) = rows(scene.database, "SELECT name, limits, expires FROM api_keys")
    assert (name, str(expires)[-1]) == ("renamed", "5")
    assert changed == limits.replace('"compute"', '"models"')


def test_other_browsers_are_signed_out(visitor: Visitor, scene: Scene) -> None:
    first = entered(scene, agent=FIREFOX)
    second = entered(scene, agent="curl/8.<i>1</i>")
    log_in(visitor, ADA, "/ui/access")
    visitor.press("Sign out Firefox on Linux, 127.0.0.1")
    assert "That browser has been signed out." in visitor.text
    assert (first.is_logged_in(), second.is_logged_in()) == (False, True)
    visitor.press("Sign out everywhere else")
    visitor.press("Sign out everywhere else")
    assert "1 browser has been signed out." in visitor.text
    assert not second.is_logged_in()


def test_logins_and_applications_of_others_do_not_exist(scene: Scene) -> None:
    entered(scene, GRACE)
    ada = entered(scene)
    theirs, own = (str(number) for (number,) in rows(scene.database, "SELECT id FROM sessions ORDER BY id"))
    for number in (theirs, "0", "-1", "9" * 30, "x", "²"):
        assert act(ada, "/ui/access/sessions/end", session=number).status == 404
    for client in ("nobody", "", "\0"):
        assert act(ada, "/ui/access/applications/revoke", client=client).status == 404
    assert len(rows(scene.database, "SELECT id FROM sessions")) == 2
    assert (
        act(ada, "/ui/access/sessions/end", session=own)
        .headers["location"]
        .startswith(f"{scene.base_url}/ui/login")
    )
    assert not ada.is_logged_in()


def test_an_application_is_revoked(visitor: Visitor, scene: Scene) -> None:
    rows(
        scene.database,
        "INSERT INTO oauth2_clients (identifier, name, type, trusted, redirect_urls) "
        "VALUES ('drive', 'Drive <b>', 'public', 0, '[]')",
    )
    rows(
        scene.database,
        "INSERT INTO oauth2_tokens (token_hash, client_id, user_id, expires) "
        "SELECT x'00', c.id, u.id, 32503680000000000 FROM oauth2_clients c, users u WHERE u.uuid = ?",
        ADA.uuid,
    )
    log_in(visitor, ADA, "/ui/access")
    visitor.press("Revoke Drive <b>")
    assert "The application can no longer act for you." in visitor.text
    assert rows(scene.database, "SELECT id FROM oauth2_tokens") == []
    assert last_event(scene.database)[2] == "oauth2_token.revoked"


def test_the_token_is_renewed_and_shown_once(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ADA, "/ui/access")
    visitor.press("Renew token")
    visitor.press("Renew token")
    assert visitor.heading == "Your new token"
    (token,) = re.findall(r"[A-Za-z0-9_-]{43}", visitor.text)
    assert scene.caller.get("/account/v1.0/quotas", token).status == 200
    visitor.follow("Back to Access")
    assert token not in visitor.text


def test_a_password_is_changed_by_who_knows_it(visitor: Visitor, scene: Scene) -> None:
    elsewhere = entered(scene)
    act(elsewhere, "/ui/access/keys/make", name="k", expires="")
    log_in(visitor, ADA, "/ui/access")
    visitor.follow("Change password")
    visitor.fill("Present password", "guessed")
    visitor.fill("New password", NEW)
    visitor.fill("The new password again", NEW)
    visitor.press("Change password")
    assert "This is not your present password." in visitor.text
    visitor.fill("Present password", PASSWORD)
    visitor.fill("New password", NEW)
    visitor.fill("The new password again", NEW)
    visitor.press("Change password")
    assert "Your password has changed." in visitor.text
    assert "Your token and your API keys have ended" in visitor.text
    assert not elsewhere.is_logged_in()
    assert rows(scene.database, "SELECT count(*) FROM api_keys") == [(0,)]
    assert entered(scene, password=NEW).is_logged_in()


def test_the_present_password_can_not_be_guessed_and_keys_may_stay(scene: Scene) -> None:
    ada = entered(scene)
    act(ada, "/ui/access/keys/make", name="k", expires="")
    change = "/ui/access/password/change"
    right = {"present": PASSWORD, "password": NEW, "repeated": NEW}
    same = {"password": PASSWORD, "repeated": PASSWORD}
    for wrong in ({"repeated": "x"}, {"password": "short", "repeated": "short"}, {"present": ""}, same):
        assert act(ada, change, **right | wrong).status == 422
    assert act(ada, change, **right | {"present": "guessed"}).status == 422
    rows(scene.database, "UPDATE login_attempts SET count = 1000")
    refused = act(ada, change, **right)
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0
    rows(scene.database, "DELETE FROM login_attempts")
    assert act(ada, change, **right, keep_keys="yes").status == 302
    assert rows(scene.database, "SELECT count(*) FROM api_keys") == [(1,)]
    assert ada.is_logged_in()


def test_a_password_that_is_too_long_is_refused_and_not_cut(scene: Scene) -> None:
    ada = entered(scene)
    page = ada.visit(f"{scene.base_url}/ui/access/password").content.decode()
    assert "maxlength" not in page
    before = rows(scene.database, "SELECT password_hash FROM users")
    long = "x" * 5000
    reply = act(ada, "/ui/access/password/change", present=PASSWORD, password=long, repeated=long)
    assert reply.status == 422
    assert "to 1024 characters" in reply.content.decode()
    assert rows(scene.database, "SELECT password_hash FROM users") == before
