"""What ends when, as the table in docs/login.md says it, cell by cell."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import OAuth2ClientEntry, Settings, StateDocument, UserEntry
from astakos.storage.protocol import Database
from service.browser import FORM, KNOWN_BROWSER, Browser, page_of, query_of
from service.caller import Caller
from service.command import astakos
from service.http.keystone.asking import TOKENS_3, by_password, by_token, is_accepted, project
from service.installation import opened, running
from service.world import ALICE, BASE_URL, BOB, LAB, LOADED, PASSWORD, world

pytestmark = pytest.mark.every_engine

PAGE = Path(__file__).parents[2].joinpath("docs", "login.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## What ends when$(.*?)^## ", re.DOTALL | re.MULTILINE)
ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)
TLS = {"X-Forwarded-Protocol": "https"}
USER = f"/identity/v2.0/users/{BOB.uuid}"
NEW_PASSWORD = "another pass phrase"
CLIENT = OAuth2ClientEntry(
    identifier="app", type="public", trusted=True, redirect_urls=["https://app.example/back"]
)
# Appendix B of RFC 7636.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def table() -> tuple[Sequence[str], Mapping[str, Mapping[str, str]]]:
    """The columns, and for each event what its cells say."""
    (section,) = SECTION.findall(PAGE)
    (_, *columns), *rows = ([cell.strip() for cell in row.split("|")] for row in ROW.findall(section))
    return columns, {event: dict(zip(columns, cells, strict=True)) for event, *cells in rows}


COLUMNS, EVENTS = table()


@dataclass
class Credentials:
    """What was issued in one browser: its session, and what comes from that."""

    browser: Browser
    session: str
    temporary: Sequence[str]
    code: str
    access_token: str


def log_in(service: Caller) -> Credentials:
    browser = Browser(service)
    browser.headers |= TLS
    browser.log_in(BOB.email, PASSWORD)
    token = browser.cookies["_pithos2_a"].partition("%7C")[2]
    temporary = [scoped(service, token, project(LAB))]
    temporary.append(scoped(service, temporary[-1], "unscoped"))
    temporary.append(scoped(service, temporary[-1], project(LAB)))
    access_token = exchange(service, authorize(browser))
    assert access_token
    return Credentials(browser, token, temporary, authorize(browser), access_token)


def scoped(service: Caller, token: str, scope: object) -> str:
    reply = service.post(TOKENS_3, None, by_token(token, scope))
    assert reply.status == 201, reply.content
    return reply.headers["x-subject-token"]


def authorize(browser: Browser) -> str:
    asked = {"response_type": "code", "client_id": "app", "scope": "/files"}
    asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    return query_of(browser.send("GET", f"{BASE_URL}/oauth2/auth?{urlencode(asked)}"))["code"]


def exchange(service: Caller, code: str) -> str | None:
    form = {"grant_type": "authorization_code", "code": code, "client_id": "app", "code_verifier": VERIFIER}
    headers = {"Content-Type": FORM, **TLS}
    reply = service("POST", "/oauth2/token", body=urlencode(form).encode(), headers=headers)
    return reply.document["access_token"] if reply.status == 200 else None


class Installation:
    """Bob has everything that a user can have, from two browsers and by the password."""

    def __init__(self, database: Database, service: Caller) -> None:
        self.database = database
        self.service = service
        self.this = log_in(service)
        self.other = log_in(service)
        reply = service.post(TOKENS_3, None, by_password(id=BOB.uuid))
        self.by_password = reply.headers["x-subject-token"]

    def states(self) -> dict[str, str]:
        """What of it still counts, by the columns of the table."""
        # Another process, because one may accept what has ended for up to a second.
        with running(opened(self.database)) as service:
            this, other = self.this, self.other
            found = {
                "own token": [is_accepted(service, BOB.token)],
                "this session": [
                    Browser(service, dict(self.before)).is_logged_in(),
                    is_accepted(service, this.session),
                ],
                "its temporary tokens": [is_accepted(service, token) for token in this.temporary],
                "its codes and access tokens": authorizations(service, this),
                "other sessions": [
                    Browser(service, dict(other.browser.cookies)).is_logged_in(),
                    is_accepted(service, other.session),
                ],
                "other temporary tokens": [
                    is_accepted(service, token) for token in (*other.temporary, self.by_password)
                ],
                "other codes and access tokens": authorizations(service, other),
            }
        assert list(found) == COLUMNS
        for column, counting in found.items():
            assert len(set(counting)) == 1, f"{column}: {counting}"
        return {column: "stays" if counting[0] else "ends" for column, counting in found.items()}

    def happen(self, event: Callable[["Installation"], None]) -> None:
        self.before = dict(self.this.browser.cookies)
        event(self)

    def administer(self, method: str, path: str, document: object) -> None:
        reply = self.service(method, path, ALICE.token, document=document)
        assert reply.status == 200, reply.content

    def load_user(self, **changes: object) -> None:
        (entry,) = (user for user in world().users if user.uuid == BOB.uuid)
        entry.token = None
        entry.token_created = entry.token_expires = None
        for name, value in changes.items():
            setattr(entry, name, value)
        load(self.database, StateDocument(users=[entry]), LOADED)


def authorizations(service: Caller, issued: Credentials) -> list[bool]:
    validated = service.get(f"/identity/v2.0/tokens/{issued.access_token}")
    return [exchange(service, issued.code) is not None, validated.status == 200]


def logout(world: Installation) -> None:
    browser = world.this.browser
    browser.submit(browser.visit(f"{BASE_URL}/ui/logout"))


def force(world: Installation) -> None:
    browser = world.this.browser
    browser.submit(browser.visit(f"{BASE_URL}/weblogin/login?next=pithos://home&force"))


def log_in_again(world: Installation) -> None:
    browser = world.this.browser
    without = {KNOWN_BROWSER: browser.cookies[KNOWN_BROWSER]}
    fields = page_of(Browser(world.service, without).visit(f"{BASE_URL}/ui/login")).fields
    fields |= {"username": BOB.email, "password": PASSWORD}
    assert browser.send("POST", f"{BASE_URL}/ui/login", fields).status == 302


def renew(world: Installation) -> None:
    browser = world.this.browser
    reply = browser.submit(browser.visit(f"{BASE_URL}/weblogin/login?next=pithos://home&renew"))
    assert reply.headers["location"].startswith("pithos:")


def new_token_by_command(world: Installation) -> None:
    assert astakos(world.database, "user", "token", BOB.uuid).status == 0


def new_token_by_administrator(world: Installation) -> None:
    world.administer("POST", f"{USER}/action", {"renewToken": {}})


def new_token_by_document(world: Installation) -> None:
    world.load_user(token="declared anew".ljust(43, "x"))


def password_by_command(world: Installation) -> None:
    assert astakos(world.database, "user", "password", BOB.uuid, stdin=NEW_PASSWORD).status == 0


def password_by_administrator(world: Installation) -> None:
    world.administer("PUT", USER, {"user": {"password": NEW_PASSWORD}})


def password_by_document(world: Installation) -> None:
    world.load_user(password=NEW_PASSWORD)


def password_that_keeps_tokens(world: Installation) -> None:
    command = ("user", "password", BOB.uuid, "--keep-tokens")
    assert astakos(world.database, *command, stdin=NEW_PASSWORD).status == 0


def deactivation_by_administrator(world: Installation) -> None:
    for action in ("deactivate", "activate"):
        world.administer("POST", f"{USER}/action", {action: {}})


def deactivation_by_document(world: Installation) -> None:
    # What was edited may hold the token that the user had: it must not come back with the user.
    world.load_user(is_active=False, token=BOB.token)
    world.load_user()


WAYS: Mapping[str, Sequence[Callable[[Installation], None]]] = {
    "Logging out, or `weblogin/login?…&force`": [logout, force],
    "Logging in again in the same browser": [log_in_again],
    "A new token: `weblogin/login?…&renew`, `astakos user token`, `renewToken`, `astakos load`": [
        renew,
        new_token_by_command,
        new_token_by_administrator,
        new_token_by_document,
    ],
    "A new password: `astakos user password`, `PUT users/<uuid>`, `astakos load`": [
        password_by_command,
        password_by_administrator,
        password_by_document,
    ],
    "A new password: `astakos user password --keep-tokens`": [password_that_keeps_tokens],
    "Deactivation, even if the user is activated again": [
        deactivation_by_administrator,
        deactivation_by_document,
    ],
}


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    bob = UserEntry(uuid=BOB.uuid, email=BOB.email, password=PASSWORD)
    settings = Settings(admin_users=True, access_token_seconds=600)
    load(database, StateDocument(settings=settings, users=[bob], oauth2_clients=[CLIENT]), LOADED)
    load(database, StateDocument(users=[user for user in world().users if user.uuid == BOB.uuid]), LOADED)
    with contextlib.ExitStack() as stack:
        yield Installation(database, stack.enter_context(running(database)))


def test_every_row_of_the_table_is_tested() -> None:
    assert list(EVENTS) == list(WAYS)


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("event", "way"),
    [(event, way) for event, ways in WAYS.items() for way in ways],
    ids=[way.__name__ for ways in WAYS.values() for way in ways],
)
def test_what_the_table_says_is_what_happens(
    installation: Installation, event: str, way: Callable[[Installation], None]
) -> None:
    installation.happen(way)
    assert installation.states() == EVENTS[event]


def test_until_then_everything_counts(installation: Installation) -> None:
    installation.happen(lambda _: None)
    assert set(installation.states().values()) == {"stays"}
