"""A resource with a scale is given and shown in amounts; programs and the API have integers."""

import pytest

from astakos.ledger.rules import UNLIMITED, Holding
from astakos.storage.protocol import Database
from service.caller import ACCOUNT
from service.command import Ended, astakos
from service.installation import holdings, running
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, VM, member_key, project_key

pytestmark = pytest.mark.every_engine

COST = "llm.cost"
OF_ALICE = member_key(ALICE, ALICE.uuid, COST)
OF_SYSTEM_PROJECT = project_key(ALICE.uuid, COST)


def set_resource(database: Database, *options: str) -> Ended:
    return astakos(database, "resource", "set", COST, *options)


@pytest.fixture
def scaled(database: Database) -> Database:
    """The world, with a resource of which everybody may have 12.5 USD."""
    done = set_resource(
        database, *("--service", "compute_api", "--unit", "USD", "--scale", "6", "--default", "12.5")
    )
    assert done.output.startswith(f"Registered {COST}. Its default limit is 12.5, also for the 6 ")
    return database


def row(output: str, *words: str) -> list[str]:
    """The words of the only line of a table that contains these."""
    (found,) = (line.split() for line in output.splitlines() if set(words) <= set(line.split()))
    return found


def test_a_default_is_given_in_amounts(scaled: Database) -> None:
    assert holdings(scaled)[OF_ALICE].limit == 12_500_000
    listed = {known["name"]: known for known in astakos(scaled, "resource", "list", "--json").document}
    assert (listed[COST]["scale"], listed[COST]["system_default"]) == (6, 12_500_000)
    assert row(astakos(scaled, "resource", "list", "--wide").output, COST)[2:5] == ["USD", "6", "12.5"]
    assert set_resource(scaled, "--project-default", "0.25").status == 0
    assert row(astakos(scaled, "resource", "list", "--wide").output, COST)[7] == "0.25"


def test_everybody_learns_the_scale_of_a_resource_that_has_one(scaled: Database) -> None:
    with running(scaled) as service:
        offered = service.get(f"{ACCOUNT}/resources").document
    assert (offered[COST]["unit"], offered[COST]["scale"]) == ("USD", 6)
    assert "scale" not in offered[VM]


def test_a_quota_is_set_and_shown_in_amounts(scaled: Database) -> None:
    done = astakos(scaled, "quota", "set", ALICE.email, COST, "20.05")
    assert done.output == f"{ALICE.email} may now have 20.05 of {COST}.\n"
    with running(scaled) as service:
        charges = ((OF_ALICE, 1_500_000), (OF_SYSTEM_PROJECT, 1_500_000))
        service.issued(COMPUTE_TOKEN, *charges, auto_accept=True)
        serial = service.issued(COMPUTE_TOKEN, (OF_ALICE, 1), (OF_SYSTEM_PROJECT, 1))
        at_service = ("--url", service.base_url, "--token", ALICE.token)
        mine = astakos(scaled, "quota", "mine", *at_service)
        exact = astakos(scaled, "quota", "mine", *at_service, "--json").document
    figures = ["1.500001", "0.000001", "20.05"]
    shown = astakos(scaled, "quota", "show", ALICE.email, "--wide").output
    for table in (shown, mine.output):
        _, _, shown_figures = " ".join(row(table, ALICE.uuid, COST)).partition(f" {COST} ")
        assert shown_figures.split()[:6] == figures * 2
    (of_alice,) = (one for one in exact if (one["project"], one["resource"]) == (ALICE.uuid, COST))
    assert (of_alice["limit"], of_alice["usage"], of_alice["pending"]) == (20_050_000, 1_500_001, 1)
    assert "0.000001" in row(astakos(scaled, "commission", "show", str(serial)).output, OF_ALICE.holder)
    history = astakos(scaled, "commission", "history", "--resource", COST, "--wide").output
    assert row(history, OF_ALICE.holder)[-2:] == ["1.5", "1.5"]
    listed = astakos(scaled, "commission", "list", "--json").document
    assert [one["quantity"] for one in listed[0]["provisions"]] == [1, 1]


def test_the_limits_of_a_project_are_amounts(scaled: Database) -> None:
    done = astakos(scaled, "quota", "set", LAB, COST, "8.5", "--member-limit", "0.75")
    assert done.output == f"lab.example.org may now have 8.5 of {COST}, and each member 0.75.\n"
    assert holdings(scaled)[project_key(LAB, COST)].limit == 8_500_000
    for command in (("quota", "show", LAB), ("project", "show", LAB)):
        assert row(astakos(scaled, *command).output, COST) == [COST, "8.5", "0", "0", "0.75"]
    usage = astakos(scaled, "project", "usage", LAB, "--resource", COST, "--user", ALICE.email).output
    assert row(usage, ALICE.email)[-1] == "0.75"
    refused = astakos(scaled, "quota", "set", LAB, COST, "0.5")
    assert "each member may have 0.75 of llm.cost, which is more than 0.5 for the whole" in refused.errors


def test_an_application_names_amounts(scaled: Database) -> None:
    options = ("--as", BOB.email, "--end", "2090-01-02", "--resource", COST, "100", "2.50")
    assert astakos(scaled, "project", "create", "new.example.org", *options).status == 0
    assert f"{COST} 100 (2.5 for each member)" in astakos(scaled, "project", "show", "new.example.org").output
    found = astakos(scaled, "project", "show", "new.example.org", "--json").document
    assert found["last_application"]["resources"][COST] == {"project": 100_000_000, "member": 2_500_000}


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("quota", "set", ALICE.email, COST, "0.0000001"), "has 7 digits after the point; write at most 6"),
        (("quota", "set", ALICE.email, COST, "10G"), "'10G' is not an amount"),
        (("quota", "set", ALICE.email, VM, "1.5"), f"{VM} is counted in whole numbers; 1.5 is not one"),
        (("resource", "set", COST, "--scale", "19"), "19 is not in the range 0<=x<=18"),
        (("resource", "set", COST, "--scale", "1", "--default", "0.25"), "scale 1: 0.25 has 2 digits after"),
        (("project", "modify", LAB, "--resource", COST, "1", "0.1234567"), "write at most 6"),
    ],
)
def test_an_amount_that_is_not_exact_is_a_wrong_use(
    scaled: Database, arguments: tuple[str, ...], reason: str
) -> None:
    before = holdings(scaled)
    done = astakos(scaled, *arguments)
    assert (done.status, done.output) == (2, "")
    assert reason in done.errors
    assert holdings(scaled) == before


def test_a_meter_has_the_scale_of_what_it_counts(scaled: Database) -> None:
    month, day = f"{COST}/month", f"{COST}/day"
    assert set_resource(scaled, "--meter", "month=1000.5").status == 0
    assert holdings(scaled)[member_key(ALICE, ALICE.uuid, month)].limit == 1_000_500_000
    assert set_resource(scaled, "--scale", "2", "--meter", "day=0.25").status == 0
    listed = astakos(scaled, "resource", "list", "--json").document
    scales = {known["name"]: known["scale"] for known in listed}
    assert (scales[COST], scales[month], scales[day]) == (2, 2, 2)
    alone = astakos(scaled, "resource", "set", month, "--scale", "3")
    reason = f"{COST} has the scale 2; a meter and what it counts must have the same"
    assert (alone.status, reason in alone.errors) == (1, True)


def test_a_changed_scale_changes_no_quantity(scaled: Database) -> None:
    before = holdings(scaled)[OF_ALICE]
    done = set_resource(scaled, "--scale", "2")
    assert done.output.splitlines() == [
        f"Changed {COST}.",
        "Its quantities stay as they are: one that was shown as 1 is now shown as 10000.",
    ]
    assert holdings(scaled)[OF_ALICE] == before == Holding(12_500_000, 0, 0)
    assert "125000" in row(astakos(scaled, "quota", "show", ALICE.email).output, ALICE.uuid, COST)


def test_a_bound_of_debts_is_given_in_amounts_for_the_resource_or_for_its_meters(scaled: Database) -> None:
    def bounds() -> dict[str, int]:
        listed = astakos(scaled, "resource", "list", "--json").document
        return {one["name"]: one["max_debt"] for one in listed if one["name"].startswith(COST)}

    assert set_resource(scaled, "--max-debt", "2.5").output == f"Changed {COST}.\n"
    assert row(astakos(scaled, "resource", "list", "--wide").output, COST).count("2.5") == 1
    assert bounds() == {COST: 2_500_000}
    set_resource(scaled, "--meter", "month=20", "--max-debt", "0.25")
    assert bounds() == {COST: 2_500_000, f"{COST}/month": 250_000}
    set_resource(scaled, "--meter", "month=20", "--meter", "day=5")
    assert bounds() == {COST: 2_500_000, f"{COST}/month": 250_000, f"{COST}/day": UNLIMITED}
    astakos(scaled, "resource", "set", f"{COST}/month", "--max-debt", "unlimited")
    assert bounds()[f"{COST}/month"] == UNLIMITED
    with running(scaled) as caller:
        told = caller.get(f"{ACCOUNT}/resources").document
    assert (told[COST]["max_debt"], "max_debt" in told[f"{COST}/month"]) == (2_500_000, False)
    refused = set_resource(scaled, "--max-debt", "0.0000001")
    assert refused.status == 2
    assert "write at most 6" in refused.errors
