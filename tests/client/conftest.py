from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Protocol

import pytest

from client.peers import Peer, Step

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator


class PeerFactory(Protocol):
    def __call__(self, *steps: Step, tls: ssl.SSLContext | None = None) -> Peer: ...


@pytest.fixture
def peer_of() -> Iterator[PeerFactory]:
    """Starts peers, and stops them after the test."""
    with contextlib.ExitStack() as stack:

        def start(*steps: Step, tls: ssl.SSLContext | None = None) -> Peer:
            return stack.enter_context(Peer(*steps, tls=tls))

        yield start


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxies of the machine that runs the tests are none of the tests' business."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
