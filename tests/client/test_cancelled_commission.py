"""A commission whose block is cancelled: in the block itself, while it is issued, and while it is settled."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import pytest

from astakosclient import AstakosClient, AsyncAstakosClient
from client.holding import Holding
from client.peers import answer, fault
from service.world import ALICE, COMPUTE_TOKEN, VM

if TYPE_CHECKING:
    from client.conftest import PeerFactory
    from service.caller import Caller

ISSUING, SETTLING = "/commissions", "/action"


async def by_asyncio(work: Awaitable[None], moment: asyncio.Event) -> None:
    task = asyncio.ensure_future(work)
    await moment.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_anyio(work: Awaitable[None], moment: asyncio.Event) -> None:
    """As Starlette and FastAPI do if a caller has gone: again at each `await`, until the task has ended."""

    async def run() -> None:
        await work

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await moment.wait()
        group.cancel_scope.cancel()


every_way = pytest.mark.parametrize("cancelled", [by_asyncio, by_anyio])
Cancelling = Callable[[Awaitable[None], asyncio.Event], Awaitable[None]]


def figures(service: Caller) -> tuple[int, int, list[int]]:
    with AstakosClient(service.base_url) as client:
        quota = client.get_quotas(ALICE.token)[ALICE.uuid][VM]
        return quota["usage"], quota["pending"], client.get_pending_commissions(COMPUTE_TOKEN)


async def cancel_while_held(service: Caller, path: str, cancelled: Cancelling) -> list[str]:
    return await cancel_while_held_by(service.base_url, path, cancelled, COMPUTE_TOKEN, ALICE.uuid)


async def cancel_while_held_by(
    url: str, path: str, cancelled: Cancelling, token: str, holder: str
) -> list[str]:
    """Cancels a block while a request of it is held; returns what is noted on the cancellation."""
    holding = Holding(url, path)
    client = AsyncAstakosClient(url, transport=holding)

    notes: list[str] = []

    async def work() -> None:
        try:
            async with client.commission(token, holder, "system", {VM: 2}):
                pass
        except asyncio.CancelledError as cancellation:
            notes.extend(cancellation.__notes__)
            raise

    await cancelled(work(), holding.is_held)
    holding.let_go.set()
    await client.aclose()
    await holding.aclose()
    return notes


@every_way
def test_it_is_rejected_if_the_task_is_cancelled_while_it_is_issued(
    cancelled: Cancelling, service: Caller
) -> None:
    used, _, _ = figures(service)
    [note] = asyncio.run(cancel_while_held(service, ISSUING, cancelled))
    assert note == "a commission that may have been issued is rejected in the background"
    assert figures(service) == (used, 0, [])


@every_way
def test_it_is_accepted_if_the_task_is_cancelled_while_it_is_accepted(
    cancelled: Cancelling, service: Caller
) -> None:
    used, _, _ = figures(service)
    [note] = asyncio.run(cancel_while_held(service, SETTLING, cancelled))
    assert re.fullmatch("commission [0-9]+ may not have been accepted yet", note)
    assert figures(service) == (used + 2, 0, [])


@every_way
@pytest.mark.parametrize("settled", [None, 1])
def test_it_is_settled_or_rejected_if_the_task_is_cancelled_in_the_block(
    settled: int | None, cancelled: Cancelling, service: Caller
) -> None:
    used, _, _ = figures(service)

    async def main() -> None:
        entered = asyncio.Event()

        async def work(client: AsyncAstakosClient) -> None:
            async with client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 2}) as commission:
                if settled is not None:
                    commission.settle({VM: settled})
                # A pooled connection would send the request at once, before anybody can cancel it.
                await client.aclose()
                entered.set()
                await asyncio.Event().wait()

        async with AsyncAstakosClient(service.base_url) as client:
            await cancelled(work(client), entered)

    asyncio.run(main())
    assert figures(service) == (used + (settled or 0), 0, [])


def test_the_client_closes_after_blocks_that_are_cancelled_at_the_same_moment(service: Caller) -> None:
    used, _, _ = figures(service)

    async def main() -> None:
        async with AsyncAstakosClient(service.base_url) as client:
            entered = asyncio.Event()

            async def work() -> None:
                async with client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 2}) as commission:
                    commission.settle({VM: 1})
                    entered.set()
                    await asyncio.Event().wait()

            working = asyncio.create_task(work())
            await entered.wait()
            # As a server does at its end: it is not cancelled yet when the client begins to close.
            working.cancel()
        await asyncio.wait([working])
        assert working.cancelled()

    asyncio.run(main())
    assert figures(service) == (used + 1, 0, [])


def test_the_log_says_that_it_may_still_be_pending(
    peer_of: PeerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    issued = answer({"serial": 7}, "201 Created")
    peer = peer_of(issued, fault("fault", 500, "no", "500 No"))

    asyncio.run(cancel_while_held_by(peer.url, ISSUING, by_asyncio, "token-token", "u"))
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "a block was cancelled" in record.getMessage()
    assert "/commissions/7/action: 500" in record.getMessage()
    assert "token-token" not in caplog.text


def test_a_refusal_after_the_task_was_cancelled_disturbs_nobody(
    peer_of: PeerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is left to receive the exception: it must not be reported as one that was never retrieved."""
    peer = peer_of(answer({"serial": 7}, "201 Created"), fault("fault", 500, "no", "500 No"))

    asyncio.run(cancel_while_held_by(peer.url, SETTLING, by_asyncio, "token-token", "u"))
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == [
        "astakosclient"
    ]
    assert "commission 7 could not be accepted, and its block was cancelled: POST" in caplog.text
