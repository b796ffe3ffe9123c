import json
from pathlib import Path

import pytest

from astakos.events.chain import START, link
from astakos.storage.protocol import Database
from service.command import astakos, refused
from service.installation import rows
from service.world import ALICE, BOB, LAB, UNKNOWN_UUID, VM

pytestmark = pytest.mark.every_engine


def test_changes_are_listed_newest_first(database: Database) -> None:
    astakos(database, "quota", "set", BOB.email, VM, "3")
    astakos(database, "user", "token", BOB.email)
    newest, before, *_ = astakos(database, "audit", "--json").document
    assert (newest["kind"], newest["user"], newest["origin"]) == ("user.token_renewed", BOB.uuid, "command")
    assert newest["actor"] is None
    assert (before["kind"], before["project"], before["before"], before["after"]) == (
        "capacity.changed",
        BOB.uuid,
        {"project": 7, "member": 7},
        {"capacity": VM, "project": 3, "member": 3},
    )
    assert newest["number"] == before["number"] + 1
    (page,) = astakos(database, "audit", "--before", str(newest["number"]), "--limit", "1", "--json").document
    assert page == before
    lines = astakos(database, "audit", "--limit", "2").output.splitlines()
    assert lines[0].split()[:4] == ["number", "time", "kind", "actor"]
    assert BOB.email.lower() in lines[1]
    assert "project: 7 → 3" in lines[2]


@pytest.mark.parametrize(
    ("filters", "kinds"),
    [
        (("--kind", "component.token_renewed"), {"component.token_renewed"}),
        (("--kind", "membership", "--project", LAB), {"membership.created"}),
        (
            ("--user", ALICE.email, "--kind", "user"),
            {"user.created", "user.token_renewed", "user.password_changed"},
        ),
        (("--actor", "service"), {"component.created", "service.created"}),
        (("--actor", ALICE.uuid), set()),
        (("--user", UNKNOWN_UUID), set()),
        (("--since", "2031-02-04"), set()),
        (("--until", "2031-02-03"), set()),
    ],
)
def test_changes_are_filtered(database: Database, filters: tuple[str, ...], kinds: set[str]) -> None:
    found = astakos(database, "audit", "--json", *filters).document
    assert {event["kind"] for event in found} == kinds


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--kind", "a b"), "'a b' is not a kind of events"),
        (("--limit", "3", "head"), "Write options after `head`."),
        (("--since", "soon"), "'soon' is not a time"),
    ],
)
def test_a_wrong_option_is_explained(database: Database, arguments: tuple[str, ...], told: str) -> None:
    asked = astakos(database, "audit", *arguments)
    assert (asked.status, told in asked.errors) == (2, True)


@pytest.mark.parametrize("option", ["--user", "--actor"])
@pytest.mark.parametrize("name", ["no@example.org", "ada", UNKNOWN_UUID[:-1]])
def test_a_user_whom_nobody_can_be_is_named(database: Database, option: str, name: str) -> None:
    assert refused(database, "audit", option, name).startswith(f"there is no user '{name}'")


def test_the_log_is_verified_against_an_exported_head(database: Database, tmp_path: Path) -> None:
    head = astakos(database, "audit", "head", "--json")
    (tmp_path / "head.json").write_text(head.output)
    number, hash_ = head.document["number"], head.document["hash"]
    astakos(database, "user", "token", BOB.email)
    for given in (str(tmp_path / "head.json"), f"{hash_}@{number}"):
        verified = astakos(database, "audit", "verify", "--head", given)
        assert verified.output.splitlines() == [
            f"The audit log is intact: {number + 1} events.",
            f"It contains the head of event {number} as given.",
        ]
    alone = astakos(database, "audit", "verify").output
    assert "proves little" in alone
    rows(database, "DELETE FROM events WHERE id >= ?", number)
    assert astakos(database, "audit", "verify").status == 0
    line = refused(database, "audit", "verify", "--head", str(tmp_path / "head.json"))
    assert line == f"the audit log is broken: event {number} is missing: the head is event {number}"


def test_the_first_change_by_a_stranger_is_named(database: Database) -> None:
    rows(database, "UPDATE events SET reason = 'forged' WHERE id = 5")
    line = refused(database, "audit", "verify")
    assert line.startswith("the audit log is broken: event 5 was changed")


def test_what_is_no_head_is_refused(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "head.json"
    file.write_text('{"number": 1, "hash": "x"}')
    assert "is not the output of `astakos audit head --json`" in refused(
        database, "audit", "verify", "--head", str(file)
    )
    assert "cannot be read" in refused(database, "audit", "verify", "--head", str(tmp_path / "none"))
    both = ("--head", f"{'0' * 64}@1", "--head", f"{'1' * 64}@1")
    assert "contradict" in refused(database, "audit", "verify", *both)


def test_an_empty_log_has_a_head(empty: Database) -> None:
    head = astakos(empty, "audit", "head", "--json").document
    assert head == {"number": 0, "time": None, "hash": START.hex()}
    assert astakos(empty, "audit", "verify", "--head", f"{START.hex()}@0").status == 0
    assert astakos(empty, "audit").status == 0


def test_an_export_can_be_verified_without_this_program(database: Database, tmp_path: Path) -> None:
    assert astakos(database, "audit", "export", str(tmp_path / "events.jsonl")).status == 0
    head = START
    for line in (tmp_path / "events.jsonl").read_text().splitlines():
        *values, hash_ = json.loads(line)
        head = link(head, values)
        assert hash_ == head.hex()
    assert head.hex() == astakos(database, "audit", "head", "--json").document["hash"]
