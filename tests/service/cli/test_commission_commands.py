import pytest

from astakos.ledger.rules import Holding
from astakos.storage.protocol import Database
from service.caller import Caller
from service.command import astakos, refused
from service.http.keyed import made
from service.world import ALICE, COMPUTE_TOKEN, STORAGE_TOKEN, VM, member_key, project_key

pytestmark = pytest.mark.ledger

U, P = member_key(ALICE), project_key()


def test_pending_commissions_are_listed_the_oldest_first(database: Database, service: Caller) -> None:
    one = service.issued(STORAGE_TOKEN, (U, 1), name="upload")
    two = service.issued(COMPUTE_TOKEN, (U, 2), (P, 2), name="boot Größe")
    service.issued(COMPUTE_TOKEN, (U, 1), auto_accept=True)
    listed = astakos(database, "commission", "list", "--json").document
    assert [(c["serial"], c["component"], c["name"]) for c in listed] == [
        (one, "storage", "upload"),
        (two, "compute", "boot Größe"),
    ]
    assert 0 <= listed[0]["age_seconds"] < 60
    assert listed[1]["provisions"] == [{**U._asdict(), "quantity": 2}, {**P._asdict(), "quantity": 2}]
    (mine,) = astakos(database, "commission", "list", "--component", "storage", "--json").document
    assert mine["serial"] == one
    table = astakos(database, "commission", "list").output
    assert len(table.splitlines()) == 3
    assert "boot Größe" in table


def test_one_is_shown_with_its_provisions(database: Database, service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 2), (P, 2), name="boot")
    found = astakos(database, "commission", "show", str(serial), "--json").document
    assert (found["serial"], found["component"], len(found["provisions"])) == (serial, "compute", 2)
    text = astakos(database, "commission", "show", str(serial)).output
    for part in ("boot", U.holder, P.holder, VM):
        assert part in text


@pytest.mark.parametrize(
    ("verb", "said", "after"),
    [("accept", "Accepted", Holding(10, 4, 4)), ("reject", "Rejected", Holding(10))],
)
def test_one_is_ended_while_the_service_runs(
    database: Database, service: Caller, verb: str, said: str, after: Holding
) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 4))
    done = astakos(database, "commission", verb, str(serial))
    assert (done.status, done.output) == (0, f"{said} {serial}.\n")
    assert service.holdings(COMPUTE_TOKEN)[U] == after
    assert service.act(COMPUTE_TOKEN, serial, verb) == 404
    assert refused(database, "commission", verb, str(serial)) == f"there is no pending commission {serial}"
    assert service.issued(COMPUTE_TOKEN) == serial + 1


def test_the_key_of_a_commission_is_shown(database: Database, service: Caller) -> None:
    service.issued(COMPUTE_TOKEN, (U, 1))
    commands = (("list",), ("history",))
    for command in commands:
        assert "key" not in astakos(database, "commission", *command).output
    prefix = made(service, ALICE.token)["prefix"]
    serial = service.issued(COMPUTE_TOKEN, (U, 2), (P, 2), key=prefix)
    assert astakos(database, "commission", "show", str(serial), "--json").document["key"] == prefix
    of_key = astakos(database, "commission", "list", "--holder", f"key:{prefix}", "--json").document
    assert [one["serial"] for one in of_key] == [serial]
    service.issued(COMPUTE_TOKEN, (U, 1), (P, 1), key=prefix, auto_accept=True)
    service.issued(COMPUTE_TOKEN, (U, 1), auto_accept=True)
    for command in commands:
        assert prefix in astakos(database, "commission", *command).output
        told = [one.get("key") for one in astakos(database, "commission", *command, "--json").document]
        assert set(told) == {prefix, None}


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("verb", ["show", "accept", "reject"])
def test_what_is_not_pending_is_named(database: Database, verb: str) -> None:
    for serial in ("0", "7", str(10**30)):
        assert refused(database, "commission", verb, serial) == f"there is no pending commission {serial}"
    assert astakos(database, "commission", verb, "x").status == 2


@pytest.mark.parametrize("serial", ["-1", "0", str(2**63), str(10**30)])
def test_the_history_of_a_serial_that_cannot_exist_is_refused(database: Database, serial: str) -> None:
    done = astakos(database, "commission", "history", "--serial", serial)
    assert (done.status, done.output) == (2, "")
    assert f"1<=x<={2**63 - 1}" in done.errors
    assert astakos(database, "commission", "history", "--serial", str(2**63 - 1)).status == 0


def test_the_history_takes_the_names_that_people_use(database: Database, service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 2), (P, 2), auto_accept=True)

    def found(*options: str) -> list[tuple[int, str]]:
        rows = astakos(database, "commission", "history", *options, "--json").document
        return [(row["serial"], row["holder"]) for row in rows]

    for holder in (U.holder, U.holder.removeprefix("user:")):
        assert found("--holder", holder) == [(serial, U.holder)]
    for source in (str(U.source), str(U.source).removeprefix("project:")):
        assert found("--source", source) == [(serial, U.holder)]
    assert found("--source", "") == [(serial, P.holder)]


@pytest.mark.parametrize(("option", "name"), [("--holder", "ada@example.org"), ("--source", "system")])
def test_a_name_that_no_holding_has_is_refused(database: Database, option: str, name: str) -> None:
    done = astakos(database, "commission", "history", option, name)
    assert (done.status, done.output) == (2, "")
    assert f"'{name}'" in done.errors
    assert "project:<uuid>" in done.errors


def test_where_nothing_is_pending_nothing_is_listed(database: Database) -> None:
    assert astakos(database, "commission", "list", "--json").document == []
    assert astakos(database, "commission", "list").status == 0


def test_the_commissions_of_a_component_that_is_not_there_are_refused(database: Database) -> None:
    line = refused(database, "commission", "list", "--component", "nobody")
    assert line == "there is no component 'nobody'; `astakos component list` shows all"


def test_pending_commissions_are_filtered(database: Database, service: Caller) -> None:
    first = service.issued(STORAGE_TOKEN, (U, 1))
    second = service.issued(COMPUTE_TOKEN, (U, 2), (P, 2), time_to_live=3600)

    def found(*options: str) -> list[int]:
        listed = astakos(database, "commission", "list", *options, "--json")
        assert listed.errors == ""
        return [one["serial"] for one in listed.document]

    assert found("--service", "compute_api") == found("--component", "compute") == [second]
    assert found("--holder", ALICE.uuid) == found("--resource", VM) == [first, second]
    assert found("--holder", P.holder) == [second]
    assert found("--resource", "storage.space") == found("--older-than", "1h") == []
    assert found("--older-than", "0") == [first, second]
    assert found("--limit", "1") == [first]
    assert "no service" in refused(database, "commission", "list", "--service", "x")
    table = astakos(database, "commission", "list", "--service", "compute_api").output
    for part in (U.holder, f"{VM} 2"):
        assert part in table


def test_several_are_ended_with_a_reason_and_what_is_not_pending_is_named(
    database: Database, service: Caller
) -> None:
    serials = [service.issued(token, (U, 1)) for token in (STORAGE_TOKEN, COMPUTE_TOKEN)]
    ended = astakos(database, "commission", "reject", *map(str, serials), "99", "--reason", "gone")
    assert (ended.status, ended.output) == (1, f"Rejected {serials[0]}, {serials[1]}.\n")
    assert ended.errors == "Error: there is no pending commission 99\n"
    told = astakos(database, "audit", "--kind", "commission.rejected", "--json").document
    assert {(one["after"]["commission"], one["reason"]) for one in told} == {
        (serial, "gone") for serial in serials
    }


def test_the_history_is_printed_as_csv(database: Database, service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 1), name='say "a, b"', auto_accept=True)
    lines = astakos(
        database, "commission", "history", "--csv", "--service", "compute_api"
    ).output.splitlines()
    assert lines[0].startswith("serial,component,name,issue_time,")
    assert len(lines) == 2
    assert lines[1].startswith(f'{serial},compute,"say ""a, b""",20')
    assert lines[1].endswith(f"{VM},1,1,10,1,1,")


def test_no_name_in_that_csv_is_a_formula(database: Database, service: Caller) -> None:
    service.issued(COMPUTE_TOKEN, (U, 1), name="=HYPERLINK(0)", auto_accept=True)
    told = astakos(database, "commission", "history", "--csv").output
    assert ",'=HYPERLINK(0)," in told
