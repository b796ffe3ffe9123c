import base64
import shlex
from pathlib import Path

import pytest

from astakos.administration.webhooks import disable_webhook
from astakos.clock import DAY
from astakos.events.webhook_signatures import secret_of
from astakos.storage.protocol import Database
from astakos.storage.tables.destinations import MOST_WEBHOOKS
from service.command import Ended, astakos, ended, only_line, refused
from service.installation import all_rows, last_event

pytestmark = pytest.mark.every_engine

KEY = "a key that has thirty-two bytes!"
URL = "https://hooks.example.org/a?b=c"


@pytest.fixture
def key(tmp_path: Path) -> str:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    return str(file)


def add(database: Database, key: str, *arguments: str) -> Ended:
    return astakos(database, "webhook", "add", URL, *arguments, "--webhook-key", key, "--json")


def derived(name: str, generation: int) -> str:
    return "whsec_" + base64.b64encode(secret_of(KEY.encode(), name, generation)).decode()


def test_a_webhook_is_added_and_its_secret_shown_but_not_stored(database: Database, key: str) -> None:
    added = add(database, key, "--kind", "project", "--kind", "user.created").document
    assert added == {"name": added["name"], "url": URL, "secret": derived(added["name"], 1)}
    stored = repr(all_rows(database))
    assert KEY not in stored
    assert added["secret"] not in stored
    assert repr(secret_of(KEY.encode(), added["name"], 1)) not in stored
    (listed,) = astakos(database, "webhook", "list", "--json").document
    assert (listed["name"], listed["kinds"], listed["pending"]) == (
        added["name"],
        ["project", "user.created"],
        0,
    )
    assert URL in astakos(database, "webhook", "list").output
    again = astakos(database, "webhook", "secret", added["name"], "--webhook-key", key, "--json")
    assert again.document == added
    alone = astakos(database, "webhook", "secret", added["name"], "--webhook-key", key, "--secret-only")
    assert alone.output == f"{added['secret']}\n"
    assert last_event(database)[2] == "webhook.created"


def test_a_secret_is_rotated(database: Database, key: str) -> None:
    name = add(database, key).document["name"]
    rotated = astakos(database, "webhook", "rotate", name, "--webhook-key", key, "--json").document
    assert rotated["secret"] == derived(name, 2)
    assert last_event(database)[2] == "webhook.secret_rotated"
    assert astakos(database, "webhook", "list", "--json").document[0]["overlap_ends"] is not None


def test_another_key_is_refused_as_long_as_there_are_webhooks(
    database: Database, key: str, tmp_path: Path
) -> None:
    name = add(database, key).document["name"]
    other = tmp_path / "other"
    other.write_text("b" * 32)
    assert "this is not the key" in refused(database, "webhook", "add", URL, "--webhook-key", str(other))
    for more, reason in ((["--webhook-key", str(other)], "this is not the key"), ([], "name the file with")):
        done = ended(database, "serve", "--port", "0", *more)
        assert (done.status, reason in only_line(done.errors)) == (1, True)
    assert astakos(database, "webhook", "remove", name).output == f"Removed {name}, which sent to {URL}.\n"
    assert add(database, str(other)).status == 0


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("content", [b"", b"short", b" " * 40])
def test_what_is_no_key_is_refused(database: Database, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    line = refused(database, "webhook", "add", URL, "--webhook-key", str(file))
    assert "it must contain at least 32 bytes" in line
    assert "cannot be read" in refused(
        database, "webhook", "add", URL, "--webhook-key", str(tmp_path / "none")
    )


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.org", "is not a URL like"),
        ("https://user:secret@example.org/", "must not contain a user or password"),
        ("https://", "is not a URL like"),
        ("https://hooks.example.org:0/", "use one from 1 to 65535"),
        ("https://10.0.0.1/", "add its network to the setting webhook_networks"),
    ],
)
def test_what_is_no_url_is_refused(database: Database, key: str, url: str, reason: str) -> None:
    line = refused(database, "webhook", "add", url, "--webhook-key", key)
    assert reason in line
    assert "secret@" not in line or "is not a URL" in reason


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("kind", ["bogus", "projec", "project.bogus"])
def test_a_kind_that_no_event_can_have_is_refused(database: Database, key: str, kind: str) -> None:
    done = add(database, key, "--kind", kind)
    assert done.status == 2
    assert f"{kind!r} is not a kind of events" in " ".join(done.errors.split())
    assert astakos(database, "webhook", "list", "--json").document == []


def test_a_private_address_can_be_allowed_as_the_refusal_says(database: Database, key: str) -> None:
    add_it = ("webhook", "add", "https://10.0.0.1/", "--webhook-key", key)
    how = refused(database, *add_it).partition("you give: ")[2]
    assert astakos(database, *shlex.split(how)[1:]).output == "webhook_networks is now 10.0.0.1.\n"
    assert astakos(database, *add_it).status == 0


def test_the_number_of_webhooks_is_bounded(database: Database, key: str) -> None:
    for _ in range(MOST_WEBHOOKS):
        assert add(database, key).status == 0
    assert "there cannot be more than" in refused(database, "webhook", "add", URL, "--webhook-key", key)


def test_a_disabled_webhook_is_listed_with_how_to_enable_it(database: Database, key: str) -> None:
    name = add(database, key).document["name"]
    assert refused(database, "webhook", "enable", name) == f"the webhook {name} is not disabled"
    database.change(lambda connection: disable_webhook(connection, name, "gone", 2 * DAY))
    (listed,) = astakos(database, "webhook", "list", "--json").document
    assert (listed["state"], listed["disabled"]) == ("disabled", "1970-01-03T00:00:00+00:00")
    assert f"`astakos webhook enable {name}`" in astakos(database, "webhook", "list").output
    assert astakos(database, "webhook", "enable", name).output == f"Enabled {name}, which sends to {URL}.\n"
    assert last_event(database)[2] == "webhook.enabled"
    (listed,) = astakos(database, "webhook", "list", "--json").document
    assert (listed["state"], listed["disabled"]) == ("active", None)
    assert "disabled" not in astakos(database, "webhook", "list").output


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("command", [["remove"], ["rotate"], ["secret"], ["enable"]])
def test_a_webhook_that_is_not_there_is_named(database: Database, key: str, command: list[str]) -> None:
    more = [] if command in (["remove"], ["enable"]) else ["--webhook-key", key]
    assert refused(database, "webhook", *command, "wh_0", *more).startswith("there is no webhook 'wh_0';")


def test_nobody_is_cut_off_by_a_second_rotation(database: Database, key: str) -> None:
    name = add(database, key).document["name"]
    rotate = ("webhook", "rotate", name, "--webhook-key", key)
    assert astakos(database, *rotate).status == 0
    assert "the secret before the present one is used until" in refused(database, *rotate)
    assert astakos(database, *rotate, "--overlap-hours", "0").status == 0


def test_a_test_message_waits_to_be_sent(database: Database, key: str) -> None:
    name = add(database, key).document["name"]
    assert "waits to be sent" in astakos(database, "webhook", "test", name).output
    assert last_event(database)[2] == "webhook.tested"
    (listed,) = astakos(database, "delivery", "list", "--json").document
    assert (listed["destination"], listed["kind"], listed["state"]) == (name, "webhook.tested", "pending")
    assert "no webhook" in refused(database, "webhook", "test", "mail")
    database.change(lambda connection: disable_webhook(connection, name, "answered 410", 1))
    assert "enable it first" in refused(database, "webhook", "test", name)
