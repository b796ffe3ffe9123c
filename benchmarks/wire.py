"""HTTP/1.1 requests made by hand, and single exchanges outside of what is measured."""

import contextlib
import http.client
import json
from typing import Any

from benchmarks.child_process import HOST

SECONDS = 60.0
ISSUE_PATH = "/account/v1.0/commissions"


def request(method: str, path: str, token: str, document: Any = None) -> bytes:
    """A complete request on a kept connection."""
    body = b"" if document is None else json.dumps(document).encode("ascii")
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: application/json\r\nX-Auth-Token: {token}\r\n"
    )
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode("ascii") + b"\r\n" + body


def fetch(port: int, method: str, path: str, token: str, document: Any = None) -> bytes:
    """The body of one answer.

    Raises:
        RuntimeError: the answer is another one than 200.
    """
    headers = {"X-Auth-Token": token, "Accept": "application/json", "Content-Type": "application/json"}
    body = None if document is None else json.dumps(document)
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=SECONDS)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{method} {path} was answered {answer.status}: {content[:500]!r}")
    return content
