import json
import re
import time

import pytest

from astakos.service import ttl_cache
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller
from service.command import astakos, refused
from service.installation import rows
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, VM, member_key

pytestmark = pytest.mark.every_engine
QUOTAS = f"{ACCOUNT}/quotas"


def test_a_key_is_made_listed_shown_and_revoked(database: Database, service: Caller) -> None:
    options = ("--name", "ci", "--call", "quotas", "--network", "::/0", "--expires", "2098-01-01")
    made = astakos(database, "key", "add", ALICE.email, *options)
    found = re.match(r"key        ((astk_[a-z2-9]{8})_\w{49})\nprefix     \2\n", made.output)
    assert found is not None, made.output
    text, prefix = found.groups()
    (listed,) = astakos(database, "key", "list", "--json").document
    assert (listed["user"], listed["prefix"], listed["calls"]) == (ALICE.email, prefix, ["quotas"])
    assert astakos(database, "key", "list", BOB.email, "--json").document == []
    shown = astakos(database, "key", "show", prefix, "--json").document
    assert (shown["expires"], shown["creator"]) == ("2098-01-01T00:00:00+00:00", None)
    assert [secret["expires"] for secret in shown["secrets"]] == [None]
    assert re.search(r"services +all\ncalls +quotas\n", astakos(database, "key", "show", prefix).output)
    assert service.get(QUOTAS, text, X_Forwarded_For="2001:db8::1").status == 200
    for output in (listed, shown):
        assert text[14:] not in json.dumps(output)
    assert astakos(database, "key", "revoke", text, "--reason", "leaked").output == f"Revoked {prefix}.\n"
    assert refused(database, "key", "revoke", prefix) == "there is no such key"
    assert rows(database, "SELECT reason FROM events WHERE kind = 'key.revoked'") == [("leaked",)]


def test_a_key_is_rotated(database: Database, service: Caller) -> None:
    first = astakos(database, "key", "add", BOB.uuid, "--name", "ci", "--project", LAB, "--key-only").output
    prefix = first[:13]
    second = astakos(database, "key", "rotate", prefix.removeprefix("astk_"), "--key-only").output
    assert [service.get(QUOTAS, text.strip()).status for text in (first, second)] == [200, 200]
    third = astakos(database, "key", "rotate", prefix, "--overlap", "0", "--json").document["key"]
    time.sleep(ttl_cache.KEPT_SECONDS)
    statuses = [service.get(QUOTAS, text.strip()).status for text in (first, second, third)]
    assert statuses == [401, 401, 200]
    assert len(astakos(database, "key", "show", prefix, "--json").document["secrets"]) == 1


def test_several_keys_are_revoked_or_none(database: Database) -> None:
    made = [
        astakos(database, "key", "add", BOB.uuid, "--name", "ci", "--key-only").output[:13] for _ in range(2)
    ]
    assert refused(database, "key", "revoke", *made, "abcdefgh") == "there is no such key"
    assert "once" in refused(database, "key", "revoke", made[0], made[0])
    assert astakos(database, "key", "revoke", *made).status == 0
    assert astakos(database, "key", "list", "--json").document == []


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--service", "nope"), "no service 'nope'"),
        (("--call", "nope"), "the areas are"),
        (("--network", "nope"), "10.0.0.0/8"),
        (("--project", "nope"), "nope"),
        (("--expires", "2001-01-01"), "in the future"),
    ],
)
def test_what_a_key_cannot_be_is_refused(database: Database, options: tuple[str, ...], told: str) -> None:
    assert told in refused(database, "key", "add", ALICE.email, "--name", "ci", *options)


def test_a_new_password_ends_keys_unless_they_are_kept(database: Database) -> None:
    for option, left, told in (
        ("--keep-keys", 1, "Their keys are still valid."),
        ("--end-keys", 0, "So have their keys."),
    ):
        astakos(database, "key", "add", BOB.email, "--name", option)
        done = astakos(database, "user", "password", BOB.email, option, stdin="a new password\n")
        assert told in done.output
        assert len(rows(database, "SELECT id FROM api_keys")) == left
        rows(database, "DELETE FROM api_keys")


def test_a_new_password_ends_keys_if_nobody_is_asked(database: Database) -> None:
    astakos(database, "key", "add", BOB.email, "--name", "ci")
    assert astakos(database, "user", "password", BOB.email, stdin="a new password\n").status == 0
    assert rows(database, "SELECT id FROM api_keys") == []


def test_a_key_can_be_named_as_a_whole(database: Database) -> None:
    made = astakos(
        database, "key", "add", ALICE.email, "--name", "ci", "--limit", f"{VM}=3", "--json"
    ).document
    for command in ("show", "limits", "rotate"):
        done = astakos(database, "key", command, made["key"], "--json")
        assert done.status == 0, done
        assert made["key"] not in done.output
    assert astakos(database, "key", "revoke", made["key"]).output == f"Revoked {made['prefix']}.\n"


def test_limits_of_a_key_are_shown_as_they_are_written(database: Database) -> None:
    astakos(database, "resource", "set", VM, "--scale", "2")
    made = astakos(database, "key", "add", ALICE.email, "--name", "ci", "--limit", f"{VM}=1.50")
    assert f"{VM}=1.5\n" in made.output
    (prefix,) = re.findall(r"^prefix +(\S+)", made.output, re.MULTILINE)
    for command in ("show", "rotate"):
        assert f"{VM}=1.5\n" in astakos(database, "key", command, prefix).output
    assert astakos(database, "key", "show", prefix, "--json").document["limits"] == {VM: 150}


def test_limits_of_a_key_are_set_and_shown(database: Database, service: Caller) -> None:
    options = ("--name", "ci", "--limit", f"{VM}=3", "--limit", "storage.space=2G")
    made = astakos(database, "key", "add", ALICE.email, *options, "--json").document
    prefix = made["prefix"]
    assert made["limits"] == {VM: 3, "storage.space": 2 * 2**30}
    assert f"{VM}=3" in astakos(database, "key", "show", prefix).output
    assert service.issue(COMPUTE_TOKEN, (member_key(ALICE), 2), key=prefix).status == 201
    for command in (("key", "limits"), ("quota", "show")):
        vm, disk = astakos(database, *command, prefix, "--json").document
        assert vm == {"resource": VM, "usage": 2, "pending": 2, "limit": 3, "resets": None}
        assert (disk["usage"], disk["limit"]) == (0, 2 * 2**30)
    changed = astakos(database, "key", "limits", prefix, "--limit", f"{VM}=unlimited")
    assert re.search(rf"{VM} +2 +2 +unlimited", changed.output), changed.output
    assert "no resource 'nope'" in refused(database, "key", "limits", prefix, "--limit", "nope=3")
    assert astakos(database, "key", "add", ALICE.email, "--name", "a", "--limit", "nope").status == 2
    twice = astakos(database, "key", "limits", prefix, "--limit", f"{VM}=1", "--limit", f"{VM}=2")
    assert (twice.status, "give each resource once" in twice.errors) == (2, True)
    assert refused(database, "key", "limits", "astk_22222222") == "there is no such key"
