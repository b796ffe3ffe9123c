"""Whatever byte a connection is cut at, a commission is issued once and accepted once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from astakosclient import AstakosClient, Retry, errors
from client.cutting import Cut, CuttingProxy
from service.world import ALICE, COMPUTE_TOKEN, VM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.caller import Caller

STUBBORN = Retry(3, base=0, budget=math.inf)
LONGEST_MESSAGE = 3000


@pytest.fixture
def proxy(service: Caller) -> Iterator[CuttingProxy]:
    port = urlsplit(service.base_url).port
    assert port is not None
    with CuttingProxy(port) as proxy:
        yield proxy


def cuts(of_answer: bool, proxy: CuttingProxy) -> Iterator[Cut]:
    """Each position of a message, until it is longer than the message is."""
    for after in range(LONGEST_MESSAGE):
        cut = Cut(of_answer, after)
        proxy.cut_next(cut)
        yield cut
        if not proxy.has_cut:
            assert after > 100
            return
    pytest.fail("the message has no end")


def client_through(proxy: CuttingProxy) -> AstakosClient:
    return AstakosClient(f"http://127.0.0.1:{proxy.port}/astakos", STUBBORN)


@pytest.mark.parametrize("of_answer", [False, True], ids=["request", "answer"])
def test_a_commission_is_issued_once(of_answer: bool, proxy: CuttingProxy) -> None:
    serials = []
    for _ in cuts(of_answer, proxy):
        # A new client each time: it has yet to learn what the service can do.
        with client_through(proxy) as client:
            serials.append(client.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 0}))
    assert client_through(proxy).get_pending_commissions(COMPUTE_TOKEN) == serials


@pytest.mark.parametrize("of_answer", [False, True], ids=["request", "answer"])
def test_a_commission_is_accepted_once(of_answer: bool, proxy: CuttingProxy, service: Caller) -> None:
    direct = AstakosClient(service.base_url)
    before = direct.get_quotas(ALICE.token)[ALICE.uuid][VM]["usage"]
    accepted = 0
    for _ in cuts(of_answer, proxy):
        serial = direct.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1}, force=True)
        with client_through(proxy) as client:
            client.accept_commission(COMPUTE_TOKEN, serial)
        accepted += 1
    assert direct.get_quotas(ALICE.token)[ALICE.uuid][VM]["usage"] == before + accepted
    assert direct.get_pending_commissions(COMPUTE_TOKEN) == []
    direct.close()


def test_a_commission_that_somebody_else_rejected_is_not_taken_for_accepted(
    proxy: CuttingProxy, service: Caller
) -> None:
    direct = AstakosClient(service.base_url)
    serial = direct.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1})
    direct.reject_commission(COMPUTE_TOKEN, serial)
    proxy.cut_next(Cut(of_answer=True, after=0))
    with client_through(proxy) as client, pytest.raises(errors.NotFound):
        client.accept_commission(COMPUTE_TOKEN, serial)
    direct.close()
