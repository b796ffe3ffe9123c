"""`astakos grant`: made, shown, listed and revoked."""

import pytest

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.clock import DAY, to_iso
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.periods import Unit
from astakos.storage.protocol import Database
from service.command import astakos, refused
from service.world import ALICE, BOB, LAB, LOADED, RAM, VM

pytestmark = pytest.mark.every_engine

DAILY = f"{VM}/day"
NOBODY = "there is no user or project 'nobody'; name it by UUID, whole email address or whole name"
NO_USER = "there is no user 'lab.example.org'; name one by UUID or whole email address"


@pytest.fixture
def metered(database: Database) -> Database:
    daily = ResourceEntry(name=DAILY, service="compute_api", meter=MeterDefinition(unit=Unit.DAY))
    load(database, StateDocument(resources=[daily]), LOADED)
    return database


def test_a_grant_is_made_shown_and_revoked(metered: Database) -> None:
    expires = to_iso(clock.now() + DAY)
    terms = ("--expires", expires, "--lifts", "day", "--priority", "5", "--note", "thanks")
    made = astakos(metered, "grant", "add", BOB.email, VM, "1K", *terms, "--json").document
    assert (
        made.items()
        >= {
            "number": 1,
            "user": BOB.email,
            "project": None,
            "resource": VM,
            "amount": 1024,
            "left": 1024,
            "pending": 0,
            "expires": expires,
            "priority": 5,
            "lifts": [DAILY],
            "state": "open",
            "note": "thanks",
        }.items()
    )
    assert astakos(metered, "grant", "show", "1", "--json").document == made
    assert astakos(metered, "grant", "list", BOB.email, "--json").document == [made]
    quotas = astakos(metered, "quota", "show", BOB.email, "--json").document
    shown = {row["resource"]: row for row in quotas if row["project"] == BOB.uuid}
    assert shown[VM]["granted"] == 1024
    assert "granted" not in shown[DAILY]
    assert "granted" in astakos(metered, "quota", "show", BOB.email, "--wide").output.splitlines()[0]
    revoked = astakos(metered, "grant", "revoke", "1", "--reason", "no")
    assert revoked.output == f"Revoked grant 1, of which 1024 of {VM} were left.\n"
    found = astakos(metered, "grant", "show", "1", "--json").document
    assert found == made | {"left": 0, "state": "revoked"}
    assert refused(metered, "grant", "revoke", "1") == "grant 1 is revoked already"
    assert astakos(metered, "grant", "list", "--json").document == []


def test_members_and_projects_have_grants(metered: Database) -> None:
    astakos(metered, "grant", "add", ALICE.email, VM, "5", "--project", "lab.example.org")
    astakos(metered, "grant", "add", "lab.example.org", VM, "6", "--starts", "2090-01-01")
    listed = astakos(metered, "grant", "list", "--json").document
    assert [(one["user"], one["project"], one["amount"], one["state"]) for one in listed] == [
        (None, "lab.example.org", 6, "future"),
        (ALICE.email, "lab.example.org", 5, "open"),
    ]
    assert astakos(metered, "grant", "list", LAB, "--json").document == listed[:1]
    assert len(astakos(metered, "grant", "list").output.splitlines()) == 3


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "nobody", VM, "5"), NOBODY),
        (("add", "lab.example.org", VM, "5", "--project", LAB), NO_USER),
        (("list", "nobody"), NOBODY),
        (("show", "9"), "there is no grant 9; `astakos grant list` shows them"),
        (("revoke", "9"), "there is no grant 9"),
        (
            ("add", BOB.email, "nope", "5"),
            f"there is no resource 'nope'; there are {RAM}, compute.total_ram, {VM}, {DAILY}, storage.space",
        ),
        (
            ("add", BOB.email, DAILY, "5"),
            f"{DAILY} is a meter itself; name the resource {VM}, and lift this meter: --lifts {DAILY}",
        ),
        (
            ("add", BOB.email, RAM, "5"),
            (
                f"{RAM!r} has no meter, so there is nothing that a grant could lift; "
                f"`astakos resource set {RAM} --meter month=1000` defines one"
            ),
        ),
        (
            ("add", BOB.email, VM, "unlimited"),
            f"a grant cannot be unlimited; its amount must be from 1 to {2**63 - 2}",
        ),
    ],
)
def test_what_cannot_be_done_is_said(metered: Database, arguments: tuple[str, ...], message: str) -> None:
    assert refused(metered, "grant", *arguments) == message


@pytest.mark.parametrize("amount", ["9223372036854775808", "9000P", "99999999999999999999.5"])
def test_an_amount_that_is_too_large_is_not_called_a_limit(metered: Database, amount: str) -> None:
    ended = astakos(metered, "grant", "add", BOB.email, VM, amount)
    assert ended.status == 2
    assert "unlimited" not in ended.errors
    assert "the limit" not in ended.errors


def test_a_grant_that_is_over_already_is_not_made(metered: Database) -> None:
    ended = astakos(metered, "grant", "add", BOB.email, VM, "5", "--expires", "2001-01-01")
    assert ended.status == 2
    assert "--expires is over already" in ended.errors


@pytest.mark.parametrize("arguments", [("grant", "add", BOB.email, VM), ("quota", "set", BOB.email, VM)])
def test_a_negative_amount_is_not_called_an_unknown_option(
    metered: Database, arguments: tuple[str, ...]
) -> None:
    ended = astakos(metered, *arguments, "-10")
    assert ended.status == 2
    assert "An amount must not be negative" in ended.errors
    assert "No such option '--lift'" in astakos(metered, *arguments, "1", "--lift").errors
