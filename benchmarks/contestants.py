"""The same two calls made with each of the HTTP libraries, each in its own idiom, on one kept connection.

All send the same headers and decode the answer's JSON. Where a library has its own ideas of headers, they are
replaced by ours; what is left (`Connection: keep-alive` of some) the trivial server does not care about.
"""

import http.client
import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import requests
import urllib3

from astakosclient import AstakosClient, Transport
from astakosclient.adapters.httpx2 import Httpx2Transport
from benchmarks.child_process import HOST
from benchmarks.population import COMPONENT_TOKEN, commission

QUOTAS_PATH = "/account/v1.0/quotas"
ISSUE_PATH = "/account/v1.0/commissions"
TIMEOUT = 60.0
GET_HEADERS = {
    "User-Agent": "astakosclient",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "X-Auth-Token": COMPONENT_TOKEN,
}
POST_HEADERS = {**GET_HEADERS, "Content-Type": "application/json"}
COMMISSION = commission(1)
LARGEST_ANSWER = 65536


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way of making the two calls; each returns the decoded answer."""

    name: str
    get: Callable[[], Any]
    post: Callable[[], Any]
    close: Callable[[], None]


class WrongStatusError(Exception):
    """The trivial server was not understood."""


def require(status: int, expected: int) -> None:
    """Checks that the server has answered as it should."""
    if status != expected:
        raise WrongStatusError(f"status {status}, not {expected}")


def standard_library(port: int) -> Contestant:
    """`http.client` as it is: no pool, no retries, no look whether the connection still lives."""
    connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT)

    def get() -> Any:
        connection.request("GET", QUOTAS_PATH, headers=GET_HEADERS)
        answer = connection.getresponse()
        body = answer.read()
        require(answer.status, 200)
        return json.loads(body)

    def post() -> Any:
        connection.request("POST", ISSUE_PATH, json.dumps(COMMISSION).encode("ascii"), POST_HEADERS)
        answer = connection.getresponse()
        body = answer.read()
        require(answer.status, 201)
        return json.loads(body)

    return Contestant("http.client", get, post, connection.close)


def astakosclient(port: int) -> Contestant:
    """The client."""
    return _client("astakosclient", port, None, lambda: None)


def astakosclient_over_httpx2(port: int) -> Contestant:
    """The client, its requests carried by httpx2."""
    transport = Httpx2Transport()
    return _client("astakosclient over httpx2", port, transport, transport.close)


def _client(name: str, port: int, transport: Transport | None, close: Callable[[], None]) -> Contestant:
    client = AstakosClient(f"http://{HOST}:{port}", transport=transport)

    def get() -> Any:
        return client.get_quotas(COMPONENT_TOKEN)

    def post() -> Any:
        return {"serial": client.issue_commission(COMPONENT_TOKEN, COMMISSION)}

    def close_both() -> None:
        client.close()
        close()

    return Contestant(name, get, post, close_both)


def with_urllib3(port: int) -> Contestant:
    """urllib3's pool, as requests uses it."""
    pool = urllib3.HTTPConnectionPool(HOST, port, maxsize=1, timeout=TIMEOUT, retries=False)

    def get() -> Any:
        answer = pool.request("GET", QUOTAS_PATH, headers=GET_HEADERS)
        require(answer.status, 200)
        return answer.json()

    def post() -> Any:
        answer = pool.request("POST", ISSUE_PATH, json=COMMISSION, headers=POST_HEADERS)
        require(answer.status, 201)
        return answer.json()

    return Contestant("urllib3", get, post, pool.close)


def with_httpx2(port: int) -> Contestant:
    """httpx2's client."""
    client = httpx2.Client(base_url=f"http://{HOST}:{port}", timeout=TIMEOUT, headers=GET_HEADERS)

    def get() -> Any:
        answer = client.get(QUOTAS_PATH)
        require(answer.status_code, 200)
        return answer.json()

    def post() -> Any:
        answer = client.post(ISSUE_PATH, json=COMMISSION)
        require(answer.status_code, 201)
        return answer.json()

    return Contestant("httpx2", get, post, client.close)


def with_requests(port: int) -> Contestant:
    """A session of requests."""
    base_url = f"http://{HOST}:{port}"
    session = requests.Session()
    session.headers.clear()
    session.headers.update(GET_HEADERS)

    def get() -> Any:
        answer = session.get(base_url + QUOTAS_PATH, timeout=TIMEOUT)
        require(answer.status_code, 200)
        return answer.json()

    def post() -> Any:
        answer = session.post(base_url + ISSUE_PATH, json=COMMISSION, timeout=TIMEOUT)
        require(answer.status_code, 201)
        return answer.json()

    return Contestant("requests", get, post, session.close)


def no_library(port: int) -> Contestant:
    """The floor: a prepared head, one `send`, one `recv`, no reading of headers. Not for use."""
    connection = socket.create_connection((HOST, port), TIMEOUT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    get_head = _head("GET", QUOTAS_PATH, port, GET_HEADERS)
    post_head = _head("POST", ISSUE_PATH, port, POST_HEADERS)

    def receive() -> Any:
        return json.loads(connection.recv(LARGEST_ANSWER).partition(b"\r\n\r\n")[2])

    def get() -> Any:
        connection.sendall(get_head + b"\r\n")
        return receive()

    def post() -> Any:
        body = json.dumps(COMMISSION).encode("ascii")
        connection.sendall(post_head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return receive()

    return Contestant("bare socket (the floor)", get, post, connection.close)


def _head(method: str, path: str, port: int, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


CONTESTANTS: Sequence[Callable[[int], Contestant]] = (
    no_library,
    standard_library,
    astakosclient,
    astakosclient_over_httpx2,
    with_urllib3,
    with_httpx2,
    with_requests,
)
REFERENCE = "http.client"
