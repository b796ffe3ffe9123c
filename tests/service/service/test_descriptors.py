"""A process without free file descriptors: what is open goes on, and calls that need one are told so."""

import contextlib
import http.client
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS
from service.installation import running
from service.world import ALICE, BOB, COMPUTE_TOKEN

FEEDBACK = b"feedback_msg=x"
REFUSED = (503, "not-carried-out")
ISSUED_OR_REFUSED = (REFUSED, (201, None))
"""The ledger's engine may have its connection, or need one."""


@contextlib.contextmanager
def no_descriptors() -> Iterator[None]:
    """Takes what is left, of a limit small enough to take it quickly."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(used + 8, soft), hard))
    taken = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.every_engine
def test_calls_on_open_connections_are_never_defects(database: Database) -> None:
    with running(database) as service:
        parts = urlsplit(service.base_url)
        kept = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)

        def ask(method: str, path: str, token: str, body: bytes = b"") -> tuple[int, str | None]:
            kind = "application/json" if body.startswith(b"{") else "application/x-www-form-urlencoded"
            headers = {"X-Auth-Token": token, "Content-Type": kind}
            kept.request(method, f"{parts.path}{path}", body, headers)
            answer = kept.getresponse()
            answer.read()
            return answer.status, answer.getheader("Astakos-Outcome")

        with contextlib.closing(kept):
            # The thread of reads of many rows, and changes, connect to the database when they need it.
            assert ask("GET", f"{ACCOUNT}/quotas", ALICE.token)[0] == 200
            with no_descriptors():
                assert ask("GET", f"{ACCOUNT}/quotas", ALICE.token)[0] == 200
                assert ask("GET", f"{ACCOUNT}/service_quotas", COMPUTE_TOKEN) == REFUSED
                assert ask("POST", f"{ACCOUNT}/feedback", BOB.token, FEEDBACK) == REFUSED
                assert ask("POST", COMMISSIONS, COMPUTE_TOKEN, b'{"provisions": []}') in ISSUED_OR_REFUSED
            assert ask("GET", f"{ACCOUNT}/service_quotas", COMPUTE_TOKEN)[0] == 200
            assert ask("POST", f"{ACCOUNT}/feedback", BOB.token, FEEDBACK)[0] == 200
            assert ask("POST", COMMISSIONS, COMPUTE_TOKEN, b'{"provisions": []}')[0] == 201
