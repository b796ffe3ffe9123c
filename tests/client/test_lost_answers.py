"""Wherever a connection is cut: a commission is issued once and accepted once, and a thing is made once."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from astakosclient import AstakosClient, AsyncAstakosClient, Retry, errors
from client.cutting import Cut, CuttingProxy
from service.installation import rows
from service.world import ALICE, CHLOE, COMPUTE_TOKEN, LAB, VM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astakos.storage.protocol import Database
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


SPECS = {"name": "new.example.org", "end_date": "2098-06-01T12:00:00+00:00"}
APPLICATIONS = "SELECT id FROM project_applications"
MEMBERSHIPS = "SELECT id FROM memberships"
MAKING: dict[str, tuple[Callable[[AstakosClient], Any], str]] = {
    "create_project": (lambda client: client.create_project(ALICE.token, SPECS), APPLICATIONS),
    "modify_project": (
        lambda client: client.modify_project(ALICE.token, LAB, {"max_members": 7}),
        APPLICATIONS,
    ),
    "join_project": (lambda client: client.join_project(CHLOE.token, LAB), MEMBERSHIPS),
    "enroll_member": (lambda client: client.enroll_member(ALICE.token, LAB, CHLOE.email), MEMBERSHIPS),
    "send_feedback": (lambda client: client.send_feedback(ALICE.token, "Hi", ""), "SELECT id FROM feedback"),
}
SECRETS: dict[str, tuple[Callable[[AstakosClient, str], Any], str]] = {
    "create_key": (lambda client, _: client.create_key(ALICE.token, "ci"), "SELECT id FROM api_keys"),
    "rotate_key": (
        lambda client, prefix: client.rotate_key(ALICE.token, prefix),
        "SELECT secret_hash FROM api_key_secrets",
    ),
    "create_invitation": (
        lambda client, _: client.create_invitation(ALICE.token, LAB),
        "SELECT id FROM project_invitations",
    ),
}
ANSWERS = pytest.mark.parametrize("after", [0, 17, 250])
"""In the first line, in the head or at its end."""


@pytest.mark.parametrize("name", MAKING)
@ANSWERS
def test_what_a_lost_answer_was_about_is_made_once(
    name: str, after: int, proxy: CuttingProxy, database: Database
) -> None:
    make, listed = MAKING[name]
    before = len(rows(database, listed))
    proxy.cut_next(Cut(of_answer=True, after=after))
    with client_through(proxy) as client:
        made = make(client)
    assert proxy.has_cut
    assert made is None or made["id"]
    assert len(rows(database, listed)) == before + 1


@pytest.mark.parametrize("name", SECRETS)
@ANSWERS
def test_a_secret_that_was_in_a_lost_answer_is_said_to_be_lost(
    name: str, after: int, proxy: CuttingProxy, database: Database
) -> None:
    make, listed = SECRETS[name]
    with client_through(proxy) as client:
        prefix = client.create_key(ALICE.token, "before")["prefix"]
    before = len(rows(database, listed))
    proxy.cut_next(Cut(of_answer=True, after=after))
    with client_through(proxy) as client:
        with pytest.raises(errors.SecretLost) as lost:
            make(client, prefix)
        made = lost.value.made
        assert lost.value.outcome == "carried-out"
        assert len(rows(database, listed)) == before + 1
        assert "Not shown again" in str(lost.value)
        if name == "create_invitation":
            client.revoke_invitation(ALICE.token, made["id"])
        else:
            another = client.rotate_key(ALICE.token, made["prefix"], overlap_seconds=0)
            assert client.get_user_info(another["key"])["uuid"] == ALICE.uuid


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_whose_request_was_lost_is_shown(name: str, proxy: CuttingProxy, database: Database) -> None:
    make, listed = SECRETS[name]
    with client_through(proxy) as client:
        prefix = client.create_key(ALICE.token, "before")["prefix"]
    before = len(rows(database, listed))
    proxy.cut_next(Cut(of_answer=False, after=50))
    with client_through(proxy) as client:
        made = make(client, prefix)
    assert proxy.has_cut
    assert made.get("key") or made.get("invitation")
    assert len(rows(database, listed)) == before + 1


def test_a_program_that_was_restarted_repeats_what_it_made(service: Caller, database: Database) -> None:
    applied, before = [], len(rows(database, APPLICATIONS))
    for _ in range(2):
        with AstakosClient(service.base_url) as client:
            applied.append(client.create_project(ALICE.token, SPECS, idempotency_key="new lab"))
    assert applied[0] == applied[1]
    assert len(rows(database, APPLICATIONS)) == before + 1
    refusal = pytest.raises(errors.AstakosClientException, match="Use a new key")
    with AstakosClient(service.base_url) as client, refusal as refused:
        client.join_project(ALICE.token, LAB, idempotency_key="new lab")
    assert refused.value.status == 422


async def restarted(service: Caller) -> list[Any]:
    applied = []
    for _ in range(2):
        async with AsyncAstakosClient(service.base_url) as client:
            mine = client.bind(ALICE.token)
            applied.append(await mine.create_project(SPECS, idempotency_key="new lab"))
    return applied


def test_so_does_one_in_an_event_loop(service: Caller, database: Database) -> None:
    before = len(rows(database, APPLICATIONS))
    first, second = asyncio.run(restarted(service))
    assert first == second
    assert len(rows(database, APPLICATIONS)) == before + 1
