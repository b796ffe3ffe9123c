"""What the AI gateway adds to a streamed call, and how often a second gateways can ask about tokens.

A provider that only pretends streams an answer at a fixed pace. The same calls go to it directly and through
the gateway, which reserves, tells what was used, and settles, all durable on SQLite. The provider, the
gateway, the service and the caller are processes of their own on the same machine.
"""

import asyncio
import contextlib
import json
import operator
import sys
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

import aiohttp
from examples.ai_gateway.world import UPSTREAM_KEY, free_port, gateway_process, started

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.periods import Unit
from astakos.storage.opening import database_of
from astakosclient.language_models.charge import MONEY, TOKENS
from benchmarks import command_line
from benchmarks.child_process import HOST
from benchmarks.load_generator import Plan, Reads, generate
from benchmarks.population import COMPONENT, COMPONENT_TOKEN, LIMIT, USERS, user_token, user_uuid
from benchmarks.results import Result, milliseconds, rate
from benchmarks.service_process import Databases, astakos_service

STREAMS = (1, 32, 256)
WORDS, SECONDS_PER_TOKEN = 50, 0.02
CONNECTIONS, CALLERS = 32, 96
METERED = "compute.requests"
PATH = "/v1/chat/completions"


class Took(NamedTuple):
    """Seconds until the first piece of an answer, and until its end."""

    first: float
    whole: float


class WrongStreamError(Exception):
    """An answer is not what was asked for; there is nothing to measure."""


def measure(seconds: float) -> Sequence[Result]:
    """Streams, then questions, on one service each."""
    with Databases() as databases:
        url = databases.copy()
        _define(url)
        with astakos_service(url) as ports:
            added = asyncio.run(_streams(ports[0], seconds))
        asking = databases.copy()
        _define(asking)
        with astakos_service(asking) as ports:
            return [added, _questions(ports, seconds)]


def _define(url: str) -> None:
    """Adds the gateway's resources, with limits that refuse nobody."""
    meter = MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE)
    resources = [
        ResourceEntry(name=TOKENS, service=COMPONENT),
        ResourceEntry(name=MONEY, service=COMPONENT, unit="USD", scale=6),
        ResourceEntry(name=METERED, service=COMPONENT),
        ResourceEntry(name=f"{METERED}/per-minute", service=COMPONENT, system_default=LIMIT, meter=meter),
    ]
    with contextlib.closing(database_of(url)) as database:
        database.open()
        load(database, StateDocument(resources=resources), clock.now())


async def _streams(service: int, seconds: float) -> Result:
    upstream, gateway = free_port(), free_port()
    command = [sys.executable, "-m", "examples.ai_gateway.upstream", "--port", str(upstream)]
    variables = {
        "ASTAKOS_URL": f"http://{HOST}:{service}",
        "GATEWAY_TOKEN": COMPONENT_TOKEN,
        "GATEWAY_SERVICE": COMPONENT,
        "UPSTREAM_URL": f"http://{HOST}:{upstream}",
        "UPSTREAM_KEY": UPSTREAM_KEY,
    }
    rows = []
    async with (
        started([*command, "--seconds-per-token", str(SECONDS_PER_TOKEN)], upstream),
        gateway_process(gateway, **variables),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        for streams in STREAMS:
            direct: list[Took] = []
            through: list[Took] = []
            end = time.perf_counter() + 2 * seconds
            # By turns, so that what else the machine does meets both.
            while not through or time.perf_counter() < end:
                direct += await _turn(session, upstream, [UPSTREAM_KEY] * streams)
                through += await _turn(session, gateway, [user_token(n % USERS) for n in range(streams)])
            rows.append((str(streams), *_added(direct, through)))
    return Result(
        f"Streams of {WORDS} tokens, one every {SECONDS_PER_TOKEN * 1000:.0f} ms",
        (
            "streams at once",
            "first token, direct: p50, p99, ms",
            "through the gateway",
            "whole answer, direct: p50, p99, ms",
            "through the gateway",
            "the gateway adds to the whole: p50, p99, ms",
        ),
        rows,
        "Each stream is of another user; a reservation, a report for each 32 tokens, and a settlement.",
    )


async def _turn(session: aiohttp.ClientSession, port: int, tokens: Sequence[str]) -> list[Took]:
    return list(await asyncio.gather(*(_stream(session, port, token) for token in tokens)))


async def _stream(session: aiohttp.ClientSession, port: int, token: str) -> Took:
    asked = {
        "model": "gpt-example",
        "messages": [{"role": "user", "content": f"write {WORDS} words"}],
        "max_tokens": WORDS,
        "stream": True,
    }
    began = time.perf_counter()
    first, pieces = 0.0, 0
    headers = {"Authorization": f"Bearer {token}"}
    async with session.post(f"http://{HOST}:{port}{PATH}", json=asked, headers=headers) as answer:
        async for line in answer.content:
            if b'"content"' in line:
                first = first or time.perf_counter() - began
                pieces += 1
    if (answer.status, pieces) != (200, WORDS):
        raise WrongStreamError(f"answered {answer.status} with {pieces} pieces")
    return Took(first, time.perf_counter() - began)


def _added(direct: Sequence[Took], through: Sequence[Took]) -> list[str]:
    figures = [_figures(one[part] for one in took) for part in (0, 1) for took in (direct, through)]
    more = tuple(map(operator.sub, figures[3], figures[2]))
    return [", ".join(map(milliseconds, each)) for each in (*figures, more)]


def _figures(seconds: Iterable[float]) -> tuple[float, ...]:
    """The median and the 99th percentile."""
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


def _questions(ports: Sequence[int], seconds: float) -> Result:
    rows = []
    for name, requests, answers in _cases(ports[0]):
        outcome = generate(Plan(ports, CONNECTIONS, seconds, Reads(requests, answers)))
        figures = (milliseconds(outcome.median), milliseconds(outcome.percentile_99))
        rows.append((name, rate(outcome.per_second), *figures))
    return Result(
        f"Questions about tokens at {CONNECTIONS} connections",
        ("call", "calls/s", "p50, ms", "p99, ms"),
        rows,
        f"{CALLERS} users in turn; every answer was compared with the right one.",
    )


def _cases(port: int) -> list[tuple[str, list[bytes], list[bytes]]]:
    resource = {"Astakos-Authz-Resource": METERED}
    authz = f"/authz/{COMPONENT}/v1/chat"
    nothing = [b""] * CALLERS

    def asked(**headers: str) -> list[bytes]:
        return [_request("GET", authz, user_token(number), headers) for number in range(CALLERS)]

    introspections = [
        _request("POST", "/oauth2/introspect", COMPONENT_TOKEN, {}, urlencode({"token": user_token(number)}))
        for number in range(CALLERS)
    ]
    return [
        ("authz: the user", asked(), nothing),
        ("authz: with room on a meter, asked", asked(**resource), nothing),
        (
            "authz: charged by 1, durable",
            asked(**resource, **{"Astakos-Authz-Charge": COMPONENT_TOKEN}),
            nothing,
        ),
        ("POST oauth2/introspect", introspections, asyncio.run(_answers(port, introspections))),
    ]


def _request(method: str, path: str, token: str, headers: dict[str, str], form: str = "") -> bytes:
    more = {"X-Auth-Token": token, **headers}
    if form:
        more |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(form))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in more.items())
    return f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\n{form}".encode("ascii")


async def _answers(port: int, requests: Sequence[bytes]) -> list[bytes]:
    """What the requests are answered with, which must be about the right users."""
    found = []
    reader, writer = await asyncio.open_connection(HOST, port)
    for number, request in enumerate(requests):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if json.loads(body).get("sub") != user_uuid(number):
            raise WrongStreamError(f"the token of the user {number} was answered {body!r}")
        found.append(body)
    writer.close()
    return found


if __name__ == "__main__":
    command_line.run(__doc__ or "", [measure])
