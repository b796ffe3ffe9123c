"""What goes on behind the calls: a database that is busy, an error that nobody foresaw, what is kept."""

import asyncio
import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from astakos.administration.load import load
from astakos.clock import now
from astakos.directory.tokens import token_hash
from astakos.http.account import quota_reports
from astakos.ledger.ports import OutcomeUnknownError
from astakos.ledger.rules import Holding
from astakos.service import ttl_cache
from astakos.service.service import Service
from astakos.storage.protocol import Database
from astakos.storage.sqlite import sqlite_database
from astakos.storage.tables import registry, sessions
from service.caller import ACCOUNT, COMMISSIONS, TOKENS, Caller
from service.installation import locked, running
from service.world import ALICE, BASE_URL, BOB, COMPUTE_TOKEN, VM, member_key, project_key, world

U, P = member_key(ALICE), project_key()
BULK = f"{COMMISSIONS}/bulk"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_while_the_database_is_locked_writes_are_to_be_repeated_and_reads_go_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "BUSY_SECONDS", 0.05)
    with running(database) as service:
        serial = service.issued(COMPUTE_TOKEN, (U, 1))
        with locked(database):
            for reply in (
                service.issue(COMPUTE_TOKEN, (U, 1), (P, 1)),
                service.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, {"accept": ""}),
                service.post(f"{COMMISSIONS}/action", COMPUTE_TOKEN, {"reject": [serial]}),
                service("POST", f"{ACCOUNT}/feedback", BOB.token, body=b"feedback_msg=x", headers=FORM),
            ):
                assert (reply.status, reply.fault) == (503, "serviceUnavailable")
                assert reply.document["serviceUnavailable"]["code"] == 503
                assert int(reply.headers["retry-after"]) >= 1
                assert reply.headers["astakos-outcome"] == "not-carried-out"
            assert service.pending(COMPUTE_TOKEN) == [serial]
            assert service.get(f"{ACCOUNT}/quotas", ALICE.token).status == 200
        assert service.holdings(COMPUTE_TOKEN)[U] == Holding(10, 0, 1)
        assert service.act(COMPUTE_TOKEN, serial, "accept") == 200
        assert service.holdings(COMPUTE_TOKEN)[U] == Holding(10, 1, 1)


def test_when_a_commit_is_lost_every_answer_says_that_its_outcome_is_unknown(
    service: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 1))

    def commit_and_fail(connection: sqlite3.Connection) -> None:
        connection.execute("COMMIT")
        raise OutcomeUnknownError("the disk failed")

    monkeypatch.setattr(sqlite_database, "_commit", commit_and_fail)
    replies = [
        service.issue(COMPUTE_TOKEN, (U, 1)),
        service.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, {"accept": ""}),
        service.post(BULK, COMPUTE_TOKEN, {"commissions": [{"provisions": []}]}),
        service("POST", f"{ACCOUNT}/feedback", BOB.token, body=b"feedback_msg=x", headers=FORM),
    ]
    for reply in replies:
        assert (reply.status, reply.fault) == (503, "outcomeUnknown")
        assert (reply.headers["astakos-outcome"], reply.headers["retry-after"]) == ("unknown", "1")
        assert "may have been made" in reply.message
    monkeypatch.undo()
    assert service.pending(COMPUTE_TOKEN) == [serial + 1, serial + 2]


def test_while_another_process_writes_for_a_moment_writes_wait(service: Caller, database: Database) -> None:
    service.issued(COMPUTE_TOKEN, (U, 1))
    with contextlib.closing(database.connect()) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(service.issue, COMPUTE_TOKEN, (U, 1))
            connection.execute("UPDATE holdings SET usage_max = 5 WHERE holder = ?", (U.holder,))
            connection.execute("COMMIT")
    assert waiting.result().status == 201
    assert service.holdings(COMPUTE_TOKEN)[U] == Holding(10, 0, 6)


def test_an_error_that_nobody_foresaw_is_logged_and_tells_the_caller_nothing(
    service: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> bytes:
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr(quota_reports, "to_json", fail)
    for path in ("quotas", "quotas?format=xml"):
        reply = service.get(f"{ACCOUNT}/{path}", ALICE.token)
        assert reply.status == 500
        assert b"internalServerError" in reply.content
        assert b"secret" not in reply.content
        assert reply.headers["content-length"] == str(len(reply.content))
    assert "a secret of the inside" in caplog.text
    assert ALICE.token not in caplog.text
    monkeypatch.undo()
    assert service.get(f"{ACCOUNT}/quotas", ALICE.token).status == 200


def test_what_is_loaded_while_the_service_runs_is_seen(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ttl_cache, "KEPT_SECONDS", 0.0)
    with running(database) as service:
        assert VM in service.get(f"{ACCOUNT}/resources").document
        document = world()
        document.resources[0].description = "Other words"
        document.services[0].endpoints[0]["publicURL"] = "https://elsewhere.example.org"
        load(database, document, now())
        assert service.get(f"{ACCOUNT}/resources").document[VM]["description"] == "Other words"
        catalog = service("POST", TOKENS).document["access"]["serviceCatalog"]
        assert catalog[0]["endpoints"][0]["publicURL"] == "https://elsewhere.example.org"


def test_the_catalogue_and_the_resources_are_kept_for_a_moment(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ttl_cache, "KEPT_SECONDS", 3600.0)
    with running(database) as service:
        before = service.get(f"{ACCOUNT}/resources").document
        document = world()
        document.resources[0].description = "Other words"
        load(database, document, now())
        assert service.get(f"{ACCOUNT}/resources").document == before


def test_what_a_user_changes_lets_nothing_else_be_read_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ttl_cache, "KEPT_SECONDS", 600.0)
    read: list[str] = []

    def noted(module: object, name: str) -> None:
        find = getattr(module, name)

        def find_and_note(*given: object) -> object:
            read.append(name)
            return find(*given)

        monkeypatch.setattr(module, name, find_and_note)

    noted(registry, "find_component_by_token")
    noted(sessions, "find_holder")

    async def ask(kept: Service) -> None:
        assert await kept.component_of_token(token_hash(COMPUTE_TOKEN)) is not None
        assert await kept.user_of_token(ALICE.token) is not None

    async def tell() -> None:
        kept = Service(database, BASE_URL)
        await ask(kept)
        await ask(kept)
        kept.forget_users()
        await ask(kept)
        kept.forget()
        await ask(kept)

    asyncio.run(tell())
    assert read == [
        "find_component_by_token",
        "find_holder",
        "find_holder",
        "find_component_by_token",
        "find_holder",
    ]
