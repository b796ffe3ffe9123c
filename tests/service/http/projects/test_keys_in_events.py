"""The audit log says with which key a change was made, to those who may know."""

import hashlib
import json

import pytest
from click.testing import CliRunner

from astakos.cli.audit_commands import audit
from astakos.events.chain import START, BrokenChainError, follow
from astakos.storage.protocol import Database
from astakos.storage.tables import events
from service.caller import ACCOUNT, Caller
from service.http.keyed import made
from service.installation import rows, running
from service.world import ALICE, CHLOE, LAB

pytestmark = pytest.mark.every_engine
KINDS = ("project.suspended", "project.activated")


def act(caller: Caller, token: str, action: str) -> None:
    reply = caller.post(f"{ACCOUNT}/projects/{LAB}/action", token, {action: {"reason": "for a test"}})
    assert reply.status == 200, reply.content


def test_a_change_with_a_key_names_it(database: Database) -> None:
    with running(database) as caller:
        key = made(caller, CHLOE.token)
        act(caller, key["key"], "suspend")
        act(caller, CHLOE.token, "unsuspend")
        # The owner is told no more of the key of somebody else than of their address.
        for reader, path, prefix in (
            (CHLOE, "events", key["prefix"]),
            (CHLOE, f"projects/{LAB}/events", key["prefix"]),
            (ALICE, f"projects/{LAB}/events", None),
        ):
            found = caller.get(f"{ACCOUNT}/{path}", reader.token).document["events"]
            told = [(one["kind"], one["key"]) for one in found if one["kind"] in KINDS]
            assert told == [(KINDS[0], prefix), (KINDS[1], None)]
    shown = CliRunner().invoke(audit, ["--database", database.url, "--wide", "--kind", "project"])
    unsuspended, suspended = shown.output.splitlines()[1:3]
    assert (key["prefix"] in suspended, key["prefix"] in unsuspended) == (True, False)


def test_the_chain_covers_the_key_and_events_without_one_are_as_before(database: Database) -> None:
    with running(database) as caller:
        key = made(caller, CHLOE.token)
        act(caller, key["key"], "suspend")
        act(caller, CHLOE.token, "unsuspend")
    previous, lengths = START, []
    for *values, stored in events.walk(database.reader()):
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        previous = hashlib.sha256(previous + text.encode()).digest()
        assert previous == bytes(stored)
        lengths.append(len(values))
    assert lengths[-2:] == [11, 10]
    rows(database, "UPDATE events SET key = NULL WHERE key IS NOT NULL")
    with pytest.raises(BrokenChainError, match="was changed"):
        follow(events.walk(database.reader()), {})
