"""What the service writes to its log, read from a real one."""

import json
import logging
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from astakos.logs import TextFormatter
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, TOKENS
from service.command import ended, serving
from service.installation import rows
from service.world import ALICE, COMPUTE_TOKEN, member_key

REQUESTS = "astakos.http.requests"
JSON = ("--log-format", "json", "--log-level", "info")
U = member_key(ALICE)


def lines(errors: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in errors.splitlines()]


def test_each_request_is_one_object_with_its_route_and_no_secret(database: Database) -> None:
    with serving(database, *JSON) as served:
        caller = served.caller
        caller.get(f"{ACCOUNT}/quotas?X-Auth-Token={ALICE.token}&x=hidden", X_Request_Id="one")
        serial = caller.issued(COMPUTE_TOKEN, (U, 1))
        caller.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN, X_Request_Id="two")
        caller.get(f"{ACCOUNT}/nothing/hidden", X_Request_Id="three")
        caller.get(f"/{ALICE.token}", X_Request_Id="four")
        caller.post(TOKENS, None, {"auth": {"token": {"id": "hidden"}}})
        errors = served.end().errors
    for secret in (ALICE.token, COMPUTE_TOKEN, "hidden"):
        assert secret not in errors
    written = [line for line in lines(errors) if line["logger"] == REQUESTS]
    seen = [(line["method"], line["route"], line["status"]) for line in written]
    assert seen == [
        ("GET", "/account/v1.0/quotas", 200),
        ("POST", "/account/v1.0/commissions", 201),
        ("GET", "/account/v1.0/commissions/{serial}", 200),
        ("GET", "none", 400),
        ("GET", "none", 404),
        ("POST", "/identity/v2.0/tokens", 401),
    ]
    first = written[0]
    assert first["request_id"] == "one"
    assert first["level"] == "info"
    assert first["process"] > 1
    assert first["milliseconds"] > 0
    assert first["message"] == f"GET /account/v1.0/quotas 200 in {first['milliseconds']} ms"
    moment = datetime.fromisoformat(first["time"])
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(hours=1)
    assert len({line["request_id"] for line in written}) == len(written)


def test_what_fails_is_an_object_with_the_exception_and_the_id_of_the_request(database: Database) -> None:
    with serving(database, "--log-format", "json") as served:
        rows(database, "ALTER TABLE holdings RENAME TO mislaid")
        reply = served.caller.get(f"{ACCOUNT}/quotas", ALICE.token)
        assert reply.status == 500
        written = lines(served.end().errors)
    (line,) = [line for line in written if line.get("request_id") == reply.headers["x-request-id"]]
    assert (line["level"], line["message"]) == ("error", "request failed: GET /account/v1.0/quotas")
    assert line["exception"].startswith("Traceback")
    assert "no such table" in line["exception"]


def test_that_a_database_was_created_is_an_object_like_all_lines(new: Database) -> None:
    with serving(new, "--log-format", "JSON") as served:
        (line,) = lines(served.end().errors)
    assert (line["level"], line["logger"]) == ("warning", "astakos.http")
    assert line["message"] == f"Created a new database: {new.name}"


def test_text_is_for_people_and_names_the_request_as_well(database: Database) -> None:
    with serving(database, "--log-level", "info") as served:
        served.caller.get("/healthz", X_Request_Id="seven")
        written = served.end().errors.splitlines()
    line = r"\d{4}-\d\d-\d\d [\d:,]{12} INFO astakos\.http\.requests: GET /healthz 200 in [\d.]+ ms \[seven\]"
    assert len([found for found in written if re.fullmatch(line, found)]) == 1


@pytest.mark.parametrize("end", ["\n", "\r", "\x85", "\u2028", "\x0b", "\x1b[2K", "\0"])
def test_no_text_looks_like_a_line_of_its_own(end: str) -> None:
    forged = f"x{end}2026-01-01 00:00:00,000 INFO astakos.http: forged"
    try:
        int(forged)
    except ValueError:
        record = logging.LogRecord("astakos", logging.ERROR, "", 1, forged, (), sys.exc_info())
    written = TextFormatter().format(record)
    first, *traceback = written.split("\n")
    assert "forged" in first
    assert all(line.startswith("    ") for line in traceback)
    assert [char for char in written if not char.isprintable()] == ["\n"] * len(traceback)


def test_usually_nothing_is_written(database: Database) -> None:
    with serving(database) as served:
        served.caller.get(f"{ACCOUNT}/quotas", ALICE.token)
        served.caller.get("/nothing")
        assert served.end().errors == ""


def test_the_environment_stands_for_the_options(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    done = ended(database, "serve", ASTAKOS_LOG_LEVEL="loud")
    assert (done.status, "'loud' is not one of" in done.errors) == (2, True)
    done = ended(database, "serve", ASTAKOS_LOG_FORMAT="xml")
    assert (done.status, "'xml' is not one of" in done.errors) == (2, True)
