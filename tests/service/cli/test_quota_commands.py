import pytest

from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller
from service.command import astakos, refused
from service.installation import all_rows
from service.world import (
    ALICE,
    BOB,
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
        "resource": VM,
        "usage": 7,
        "pending": 1,
        "limit": 10,
        "project_usage": 7,
        "project_pending": 1,
        "project_limit": 12,
    } in found
    (hidden,) = (row for row in found if (row["project"], row["resource"]) == (LAB, TOTAL_RAM))
    assert hidden["limit"] == UNLIMITED
    table = astakos(database, "quota", "show", ALICE.uuid).output
    assert "unlimited" in table
    assert len(table.splitlines()) == 1 + len(found)


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


@pytest.mark.parametrize(
    ("user", "resource", "limit", "reason"),
    [
        ("nobody", VM, "1", "there is no user 'nobody'"),
        (UNKNOWN_UUID, VM, "1", "there is no user"),
        (ALICE.email, "nothing", "1", "there is no resource 'nothing'"),
        (DORA.email, VM, "1", "there is no project"),
    ],
)
def test_what_can_not_be_set_is_refused(
    database: Database, user: str, resource: str, limit: str, reason: str
) -> None:
    before = all_rows(database)
    assert refused(database, "quota", "set", user, resource, limit).startswith(reason)
    assert all_rows(database) == before


def test_what_is_no_quantity_is_a_wrong_use(database: Database) -> None:
    done = astakos(database, "quota", "set", BOB.email, VM, "many")
    assert (done.status, done.output) == (2, "")
    assert "'many' is not a quantity" in done.errors
