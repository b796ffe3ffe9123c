"""Whether the process lives, and whether the service can do its work."""

import threading

import pytest

from astakos.service import readiness
from astakos.storage.protocol import Database
from service.caller import COMMISSIONS, Caller
from service.installation import locked, rows, running
from service.world import ALICE, COMPUTE_TOKEN, member_key

pytestmark = pytest.mark.every_engine

U = member_key(ALICE)


@pytest.mark.parametrize(("path", "document"), [("/healthz", {"alive": True}), ("/readyz", {"ready": True})])
def test_all_is_well_and_nobody_needs_a_token_to_know(
    standing_service: Caller, path: str, document: object
) -> None:
    reply = standing_service.get(path)
    assert (reply.status, reply.document) == (200, document)
    assert reply.headers["content-type"].startswith("application/json")
    assert "no-store" in reply.headers["cache-control"]
    without_body = standing_service("HEAD", path)
    assert (without_body.status, without_body.content) == (200, b"")
    assert standing_service("POST", path).status == 405


def test_a_database_that_can_not_be_read_is_named_until_it_can(database: Database, service: Caller) -> None:
    rows(database, "ALTER TABLE settings RENAME TO mislaid")
    reply = service.get("/readyz")
    assert (reply.status, reply.document) == (503, {"ready": False, "missing": [readiness.NO_DATABASE]})
    assert reply.headers["astakos-outcome"] == "not-carried-out"
    assert "no-store" in reply.headers["cache-control"]
    assert service.get("/healthz").status == 200
    rows(database, "ALTER TABLE mislaid RENAME TO settings")
    assert service.get("/readyz").status == 200


def test_a_ledger_that_hangs_is_not_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.1)
    issued: list[int] = []
    with running(database) as service:
        with locked(database):
            writer = threading.Thread(target=lambda: issued.append(service.issued(COMPUTE_TOKEN, (U, 1))))
            writer.start()
            while (reply := service.get("/readyz")).status == 200:
                assert writer.is_alive()
            assert reply.document == {"ready": False, "missing": [readiness.NO_LEDGER]}
            assert writer.is_alive(), "it was answered while the ledger hung"
            assert service.get("/healthz").status == 200
        writer.join()
        monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 10)
        assert service.get("/readyz").status == 200
        assert service.pending(COMPUTE_TOKEN) == issued


@pytest.mark.postgresql
def test_a_database_that_hangs_is_not_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.1)
    with running(database) as service:
        with database.transaction() as connection:
            connection.execute("LOCK TABLE settings IN ACCESS EXCLUSIVE MODE")
            before = set(threading.enumerate())
            # All who ask meanwhile get an answer, and the thread that hangs is one.
            for _ in range(3):
                reply = service.get("/readyz")
                assert reply.status == 503
                # The ledger can be among it: it reads the same table.
                assert readiness.NO_DATABASE in reply.document["missing"]
            assert len(set(threading.enumerate()) - before) == 1
        monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 10)
        assert service.get("/readyz").status == 200


def test_a_ledger_that_has_stopped_is_named(database: Database, service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 3))
    rows(database, "UPDATE holdings SET usage_max = 1 WHERE usage_max = 3")
    rejected = service.post(f"{COMMISSIONS}/action", COMPUTE_TOKEN, {"reject": [serial]})
    assert rejected.status == 503
    reply = service.get("/readyz")
    assert (reply.status, reply.document["missing"]) == (503, [readiness.LEDGER_STOPPED])
