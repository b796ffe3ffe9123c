import contextlib

import pytest

from astakos import clock
from astakos.ledger.batch import perform
from astakos.ledger.key_levels import key_holder
from astakos.ledger.operations import Issue
from astakos.ledger.rules import UNLIMITED, Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller
from service.command import astakos, refused
from service.installation import all_rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    CLOSED,
    COMPUTE_TOKEN,
    DORA,
    HALTED,
    LAB,
    TOTAL_RAM,
    UNKNOWN_UUID,
    VM,
    member_key,
    project_key,
)

pytestmark = pytest.mark.every_engine


@pytest.mark.ledger
def test_quotas_are_shown_from_each_project(database: Database, service: Caller) -> None:
    service.issued(COMPUTE_TOKEN, (member_key(ALICE), 6), (project_key(), 6), auto_accept=True)
    service.issued(COMPUTE_TOKEN, (member_key(ALICE), 1), (project_key(), 1))
    found = astakos(database, "quota", "show", ALICE.email, "--json").document
    assert {row["project"] for row in found} == {ALICE.uuid, LAB, HALTED, CLOSED}
    assert {
        "project": LAB,
        "name": "lab.example.org",
        "resource": VM,
        "usage": 7,
        "pending": 1,
        "limit": 10,
        "project_usage": 7,
        "project_pending": 1,
        "project_limit": 12,
        "resets": None,
    } in found
    (hidden,) = (row for row in found if (row["project"], row["resource"]) == (LAB, TOTAL_RAM))
    assert hidden["limit"] == UNLIMITED
    table = astakos(database, "quota", "show", ALICE.uuid).output
    assert "unlimited" in table
    assert len(table.splitlines()) == 1 + len(found)


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("name", ["nobody@example.org", UNKNOWN_UUID, ""])
def test_a_holder_who_is_not_there_is_named(database: Database, name: str) -> None:
    assert refused(database, "quota", "show", name).startswith(f"there is no user or project {name!r};")


@pytest.mark.parametrize("project", [LAB, "lab.example.org"])
def test_the_limits_of_a_project_are_shown(database: Database, project: str) -> None:
    found = astakos(database, "quota", "show", project, "--json").document
    assert {
        "resource": VM,
        "project_capacity": 12,
        "member_capacity": 10,
        "usage": 0,
        "pending": 0,
    } in found
    assert len(astakos(database, "quota", "show", project).output.splitlines()) == 1 + len(found)


@pytest.mark.parametrize(
    ("limit", "number", "word"),
    [("20", 20, "20"), ("2K", 2048, "2048"), ("unlimited", UNLIMITED, "unlimited")],
)
def test_a_quota_counts_at_once(
    database: Database, service: Caller, limit: str, number: int, word: str
) -> None:
    done = astakos(database, "quota", "set", BOB.email, VM, limit)
    assert (done.status, done.output) == (0, f"{BOB.email} may now have {word} of {VM}.\n")
    figures = service.get(f"{ACCOUNT}/quotas", BOB.token).document[BOB.uuid][VM]
    assert (figures["limit"], figures["project_limit"]) == (number, number)


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("user", "resource", "limit", "reason"),
    [
        ("nobody", VM, "1", "there is no user or project 'nobody'"),
        (UNKNOWN_UUID, VM, "1", "there is no user or project"),
        (LAB, "nothing", "1", "there is no resource 'nothing'; there are compute."),
        (LAB, VM, "9", "each member may have 10 of compute.vm, which is more than 9 for the whole project"),
        (ALICE.email, "nothing", "1", "there is no resource 'nothing'; there are compute."),
        (DORA.email, VM, "1", "there is no project"),
    ],
)
def test_what_can_not_be_set_is_refused(
    database: Database, user: str, resource: str, limit: str, reason: str
) -> None:
    before = all_rows(database)
    assert refused(database, "quota", "set", user, resource, limit).startswith(reason)
    assert all_rows(database) == before


@pytest.mark.parametrize("project", [LAB, "lab.example.org"])
@pytest.mark.parametrize(
    ("arguments", "capacity", "word"),
    [
        (("20",), (20, 10), "20 of compute.vm, and each member 10"),
        (("8", "--member-limit", "2"), (8, 2), "8 of compute.vm, and each member 2"),
        (("--member-limit", "3"), (12, 3), "12 of compute.vm, and each member 3"),
        (("unlimited",), (UNLIMITED, 10), "unlimited of compute.vm, and each member 10"),
    ],
)
def test_limits_of_a_project_count_at_once(
    database: Database,
    service: Caller,
    project: str,
    arguments: tuple[str, ...],
    capacity: tuple[int, int],
    word: str,
) -> None:
    done = astakos(database, "quota", "set", project, VM, *arguments)
    assert (done.status, done.output) == (0, f"lab.example.org may now have {word}.\n")
    figures = service.get(f"{ACCOUNT}/quotas", ALICE.token).document[LAB][VM]
    assert (figures["project_limit"], figures["limit"]) == capacity


def test_one_member_may_have_less_than_each_and_keeps_that_when_they_come_back(
    database: Database, service: Caller
) -> None:
    def limits() -> list[int]:
        quotas = [service.get(f"{ACCOUNT}/quotas", person.token).document for person in (ALICE, BOB)]
        return [quota[LAB][VM]["limit"] for quota in quotas]

    done = astakos(database, "quota", "set", BOB.email, VM, "2", "--project", "lab.example.org")
    assert done.output == f"{BOB.email} may now have 2 of {VM} in lab.example.org.\n"
    assert limits() == [10, 2]
    for action, *names in (("suspend",), ("unsuspend",), ("remove", BOB.email), ("enroll", BOB.email)):
        assert astakos(database, "project", action, LAB, *names).status == 0
    assert limits() == [10, 2]
    done = astakos(database, "quota", "set", BOB.email, VM, "unlimited", "--project", LAB)
    assert "each member may have 10, and the smaller limit counts" in done.output
    assert limits() == [10, 10]


@pytest.mark.ledger
def test_a_charge_beyond_the_limit_of_one_member_is_refused(database: Database, service: Caller) -> None:
    astakos(database, "quota", "set", BOB.email, VM, "2", "--project", LAB)
    assert service.issue(COMPUTE_TOKEN, (member_key(BOB), 3), (project_key(), 3)).status == 413
    assert service.issue(COMPUTE_TOKEN, (member_key(ALICE), 3), (project_key(), 3)).status == 201


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((CHLOE.email, VM, "1", "--project", LAB), f"{CHLOE.email} is not a member of lab.example.org"),
        (
            (BOB.email, "nothing", "1", "--project", LAB),
            "there is no resource 'nothing'; there are compute.",
        ),
        ((BOB.email, VM, "1", "--project", "nothing"), "there is no project 'nothing'"),
        ((LAB, VM, "1", "--project", LAB), "there is no user"),
    ],
)
def test_a_limit_in_a_project_is_for_its_members(
    database: Database, arguments: tuple[str, ...], reason: str
) -> None:
    before = all_rows(database)
    assert refused(database, "quota", "set", *arguments).startswith(reason)
    assert all_rows(database) == before


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "arguments",
    [(LAB, VM), (BOB.email, VM, "1", "--member-limit", "1"), (BOB.email, VM, "--member-limit", "1")],
)
def test_a_limit_for_nobody_is_a_wrong_use(database: Database, arguments: tuple[str, ...]) -> None:
    done = astakos(database, "quota", "set", *arguments)
    assert (done.status, done.output) == (2, "")
    assert "--member-limit" in done.errors


def test_what_is_no_quantity_is_a_wrong_use(database: Database) -> None:
    done = astakos(database, "quota", "set", BOB.email, VM, "many")
    assert (done.status, done.output) == (2, "")
    assert "'many' is not a quantity" in done.errors


def test_periods_of_a_meter_are_shown(database: Database) -> None:
    astakos(database, "resource", "set", VM, "--meter", "day=5")
    assert astakos(database, "quota", "periods", ALICE.email, f"{VM}/day", "--json").document == []
    with contextlib.closing(ledger_storage(database)) as store:
        provisions = (Provision(member_key(ALICE), 2), Provision(project_key(), 2))
        perform(store, [Issue(1, provisions, auto_accept=True)], clock.now())
    (shown,) = astakos(database, "quota", "periods", ALICE.email, f"{VM}/day", "--json").document
    assert (shown["project"], shown["used"], shown["is_over"]) == (LAB, 2, False)
    assert LAB in astakos(database, "quota", "periods", ALICE.uuid, f"{VM}/day").output


def test_periods_of_a_project_are_those_of_all_its_members(database: Database) -> None:
    meter = f"{VM}/day"
    astakos(database, "resource", "set", VM, "--meter", "day=5")
    with contextlib.closing(ledger_storage(database)) as store:
        for number in (2, 1):
            provisions = (Provision(member_key(ALICE), number), Provision(project_key(), number))
            perform(store, [Issue(number, provisions, auto_accept=True)], clock.now())
    for name in (LAB, "lab.example.org"):
        (shown,) = astakos(database, "quota", "periods", name, meter, "--json").document
        assert (shown.keys(), shown["used"]) == ({"start", "end", "used", "is_over"}, 3)
    assert refused(database, "quota", "periods", "nobody", meter).startswith(
        "there is no user or project 'nobody';"
    )


def test_periods_are_shown_as_amounts(database: Database) -> None:
    astakos(database, "resource", "set", VM, "--scale", "2", "--meter", "day=5")
    with contextlib.closing(ledger_storage(database)) as store:
        provisions = (Provision(member_key(ALICE), 205), Provision(project_key(), 205))
        perform(store, [Issue(1, provisions, force=True, auto_accept=True)], clock.now())
    (shown,) = astakos(database, "quota", "periods", ALICE.email, f"{VM}/day", "--json").document
    assert (shown["used"], shown["name"]) == (205, "lab.example.org")
    assert "2.05" in astakos(database, "quota", "periods", ALICE.email, f"{VM}/day").output.split()


def test_periods_of_a_key_are_shown(database: Database) -> None:
    meter = f"{VM}/day"
    astakos(database, "resource", "set", VM, "--meter", "day=5")
    made = astakos(
        database, "key", "add", ALICE.email, "--name", "n", "--limit", f"{meter}=3", "--json"
    ).document
    with contextlib.closing(ledger_storage(database)) as store:
        provisions = (Provision(member_key(ALICE), 2), Provision(project_key(), 2))
        key = key_holder(made["prefix"])
        perform(store, [Issue(1, provisions, auto_accept=True, key_holder=key)], clock.now())
    (shown,) = astakos(database, "quota", "periods", made["prefix"], meter, "--json").document
    assert (shown.keys(), shown["used"]) == ({"start", "end", "used", "is_over"}, 2)
    assert refused(database, "quota", "periods", "astk_aaaaaaaa", meter) == "there is no such key"


def test_only_meters_have_periods(database: Database) -> None:
    reason = f"'{VM}' is not a meter; `astakos resource list` shows them with their periods"
    assert refused(database, "quota", "periods", ALICE.email, VM) == reason


def test_a_limit_that_is_set_again_changes_nothing(database: Database) -> None:
    limits = (
        (BOB.email, VM, "13"),
        (ALICE.email, VM, "4", "--project", LAB),
        (LAB, VM, "9", "--member-limit", "3"),
    )
    for options in limits:
        first, second = (astakos(database, "quota", "set", *options).output for _ in range(2))
        assert ("now" in first, "Nothing has changed" in first) == (True, False)
        assert "already. Nothing has changed.\n" in second
        assert "now" not in second
