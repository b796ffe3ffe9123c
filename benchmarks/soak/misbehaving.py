"""Clients that do wrong: bad requests, slow ones, and those who are gone before the answer."""

import asyncio
import contextlib
import json
import time

from benchmarks.population import COMPONENT_TOKEN, user_token
from benchmarks.soak.book import Book
from benchmarks.soak.callers import Caller
from benchmarks.soak.charging import FORGOTTEN_SECONDS, issue_body, random_charge
from benchmarks.soak.http_connection import LOST, HTTPConnection, read_answer, request_bytes
from benchmarks.soak.installation import TOKENS
from benchmarks.wire import ISSUE_PATH

BAD = range(400, 500)
SLOW_SECONDS = 4.0
PIECES = 20
JSON = {"X-Auth-Token": COMPONENT_TOKEN, "Accept": "application/json"}
BAD_REQUESTS = (
    request_bytes("GET", "/account/v1.0/quotas", {"X-Auth-Token": "nobody's"}),
    request_bytes("GET", "/account/v1.0/nothing/here", {}),
    request_bytes("PATCH", ISSUE_PATH, JSON),
    request_bytes("POST", ISSUE_PATH, JSON, b'{"provisions": [{"holder": '),
    request_bytes("POST", ISSUE_PATH, JSON, b'{"provisions": 3}'),
    request_bytes("POST", ISSUE_PATH, JSON, b"[" * 5000),
    request_bytes("POST", ISSUE_PATH, JSON, b'{"name": "\\ud800", "provisions": [{}]}'),
    request_bytes("POST", f"{ISSUE_PATH}/99999999999999999999/action", JSON, b'{"accept": ""}'),
    request_bytes("GET", f"{ISSUE_PATH}/history?since=yesterday", JSON),
    request_bytes("POST", "/account/v1.0/keys", {"X-Auth-Token": user_token(1)}, b'{"limits": 3}'),
    request_bytes("GET", "/account/v1.0/authenticate", {"X-Auth-Token": "t" * 60_000}),
)


async def ask_badly(caller: Caller) -> None:
    """Sends what has to be refused."""
    await caller.send("bad request", caller.random.choice(BAD_REQUESTS), BAD)


async def send_slowly(caller: Caller) -> None:
    """Sends a request in small pieces, and reads the answer in small ones."""
    request = request_bytes("GET", "/account/v1.0/quotas", {"X-Auth-Token": user_token(7)})
    connection = HTTPConnection(caller.soak.port)
    fault = caller.tally.fault
    began = time.perf_counter()
    try:
        reader, writer = await connection.streams()
        size = len(request) // PIECES + 1
        for begin in range(0, len(request), size):
            writer.write(request[begin : begin + size])
            await asyncio.sleep(SLOW_SECONDS / PIECES)
        async with asyncio.timeout(SLOW_SECONDS):
            answer = await read_answer(reader)
    except LOST as error:
        caller.tally.error("slow", f"no answer: {type(error).__name__}", fault)
    else:
        caller.tally.answered("slow", time.perf_counter() - began, fault)
        if answer.status != 200:
            caller.tally.error("slow", str(answer.status), fault)
    finally:
        connection.close()


async def never_finish(caller: Caller) -> None:
    """Sends half of a request and waits until the service has had enough."""
    connection = HTTPConnection(caller.soak.port)
    with contextlib.suppress(*LOST):
        reader, writer = await connection.streams()
        writer.write(b"GET /account/v1.0/quotas HTTP/1.1\r\nHost: ")
        async with asyncio.timeout(60):
            await reader.read()
    connection.close()


async def vanish(caller: Caller) -> None:
    """Issues, or sends half of a request, and is gone. What was issued expires."""
    charge = random_charge(caller, TOKENS, 3)
    number = caller.book.ask(charge)
    caller.book.forget(number, 0)
    body = json.dumps(issue_body(number, charge, {"ttl": FORGOTTEN_SECONDS})).encode("ascii")
    request = request_bytes("POST", ISSUE_PATH, {**JSON, "Idempotency-Key": Book.name(number)}, body)
    connection = HTTPConnection(caller.soak.port)
    await caller.soak.pace.turn()
    with contextlib.suppress(*LOST):
        _, writer = await connection.streams()
        writer.write(request[: caller.random.choice([len(request), len(request) - 20, 40])])
        await writer.drain()
        if caller.random.random() < 0.5:
            await asyncio.sleep(0.001)
        writer.transport.abort()
    connection.close()
