"""The asynchronous client: what it sends, returns and raises, and how it waits."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import Answer, AstakosClient, Request, Retry, Timeout, errors
from astakosclient.async_client import AsyncAstakosClient
from astakosclient.core.conversation import Attempt, Pause
from client.http1.event_loops import Run, every_loop, until
from client.peers import answer, fault, hang_up, silence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from client.conftest import PeerFactory

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
UUID = "b3de8eb0-3958-477e-als9-789af8dd352c"
BUSY = fault("serviceUnavailable", 503, "busy", "503 Service Unavailable")

CALLS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "get_user_info": (lambda c: c.get_user_info(TOKEN), {"uuid": UUID}),
    "get_usernames": (lambda c: c.get_usernames(TOKEN, [UUID]), {"uuid_catalog": {UUID: "ada"}}),
    "get_quotas": (lambda c: c.get_quotas(TOKEN), {"system": {}}),
    "issue_commission": (lambda c: c.issue_commission(TOKEN, {"provisions": []}), {"serial": 7}),
    "accept_commission": (lambda c: c.accept_commission(TOKEN, 7), None),
}


@every_loop
@pytest.mark.parametrize("name", CALLS)
def test_a_call_sends_and_returns_what_that_of_the_synchronous_client_does(
    name: str, run: Run, peer_of: PeerFactory
) -> None:
    invoke, document = CALLS[name]
    peer = peer_of(answer(document))
    with AstakosClient(f"{peer.url}/x") as synchronous:
        expected = invoke(synchronous)

    async def main() -> Any:
        async with AsyncAstakosClient(f"{peer.url}/x") as client:
            return await invoke(client)

    assert run(main()) == expected
    ours, theirs = peer.requests[1], peer.requests[0]
    assert (ours.method, ours.target, ours.body) == (theirs.method, theirs.target, theirs.body)
    for name in ("x-auth-token", "content-type", "accept", "user-agent"):
        assert ours.headers.get(name) == theirs.headers.get(name)


@every_loop
def test_an_answer_that_is_no_success_is_an_exception(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(fault("unauthorized", 401, "Invalid token", "401 Unauthorized"))

    async def main() -> None:
        async with AsyncAstakosClient(peer.url) as client:
            await client.get_quotas(TOKEN)

    with pytest.raises(errors.Unauthorized, match="Invalid token"):
        run(main())


@every_loop
def test_reads_are_repeated_and_others_run_during_the_pauses(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(
        fault("serviceUnavailable", 503, "busy", "503 Service Unavailable", "Retry-After: 1\r\n"),
        hang_up,
        answer({"a": {}}),
    )
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def main() -> dict[str, Any]:
        ticking = asyncio.ensure_future(tick())
        async with AsyncAstakosClient(peer.url, Retry(2, base=0.01)) as client:
            got = await client.get_quotas(TOKEN)
        ticking.cancel()
        return got

    assert run(main()) == {"a": {}}
    assert len(peer.requests) == 3
    assert ticks > 10


@every_loop
def test_a_commission_whose_answer_was_lost_is_not_repeated(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(hang_up)

    async def main() -> None:
        async with AsyncAstakosClient(peer.url, 3) as client:
            await client.issue_commission(TOKEN, {"provisions": []})

    with pytest.raises(errors.ConnectionError) as failed:
        run(main())
    assert failed.value.sent
    assert len([request for request in peer.requests if request.method == "POST"]) == 1


@every_loop
def test_the_time_of_a_call_includes_its_pauses(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(BUSY)

    async def main() -> None:
        policy = Retry(1000, base=0.05, cap=0.05)
        async with AsyncAstakosClient(peer.url, policy, timeout=Timeout(total=0.3)) as client:
            await client.get_quotas(TOKEN)

    with pytest.raises(errors.AstakosClientException):
        run(main())
    assert 1 <= len(peer.requests) < 100


@every_loop
def test_cancelling_a_call_in_a_pause_ends_it(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(
        fault("serviceUnavailable", 503, "busy", "503 Service Unavailable", "Retry-After: 30\r\n"),
        answer({"a": {}}),
    )

    async def main() -> dict[str, Any]:
        async with AsyncAstakosClient(peer.url, 2) as client:
            call = asyncio.ensure_future(client.get_quotas(TOKEN))
            await until(lambda: peer.requests)
            await asyncio.sleep(0.02)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            return await client.get_quotas(TOKEN)

    assert run(main()) == {"a": {}}
    assert len(peer.requests) == 2


class Recorded:
    """In the place of a client's conversations: one that waits, and notes how it ends."""

    def __init__(self, step: Attempt | Pause) -> None:
        self.step = step
        self.ended: list[str] = []

    def hold(self, call: object) -> Generator[Attempt | Pause, Answer | None, None]:
        try:
            yield self.step
        except GeneratorExit:
            self.ended.append("closed")
            raise


@pytest.mark.parametrize("step", [Attempt(Request("GET", "", "/"), Timeout()), Pause(30)])
def test_cancelling_a_call_closes_its_conversation_before_the_caller_goes_on(step: Attempt | Pause) -> None:
    class Waiting:
        async def send(self, request: Request, timeout: Timeout) -> Answer:  # noqa: ASYNC109 - the protocol's
            await asyncio.sleep(30)
            return Answer(200)

    async def main() -> list[str]:
        client = AsyncAstakosClient("http://h.test", transport=Waiting())
        recorded = Recorded(step)
        client._conversations = recorded  # type: ignore[assignment]
        call = asyncio.ensure_future(client.get_quotas(TOKEN))
        await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        return list(recorded.ended)

    assert asyncio.run(main()) == ["closed"]


@pytest.mark.parametrize("trouble", [OSError("broken pipe"), errors.ConnectionError(OSError("broken pipe"))])
def test_any_transport_will_do_and_is_not_closed(trouble: Exception) -> None:
    class Double:
        def __init__(self) -> None:
            self.requests: list[Request] = []

        async def send(self, request: Request, timeout: Timeout) -> Answer:  # noqa: ASYNC109 - the protocol's
            self.requests.append(request)
            if len(self.requests) == 1:
                raise trouble
            return Answer(200, body=b'{"a": {}}')

    double = Double()

    async def main() -> dict[str, Any]:
        async with AsyncAstakosClient("http://h.test", Retry(1, base=0), transport=double) as client:
            return await client.get_quotas(TOKEN)

    assert asyncio.run(main()) == {"a": {}}
    assert [request.target for request in double.requests] == ["/account/v1.0/quotas"] * 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: AsyncAstakosClient("ftp://h"),
        lambda: AsyncAstakosClient("http://h", -1),
        lambda: AsyncAstakosClient("http://h", pool_size=0),
        lambda: AsyncAstakosClient("http://h", timeout=0),
    ],
)
def test_arguments_that_cannot_be_right_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(errors.BadValue):
        make()


def test_a_value_that_cannot_be_right_is_refused_before_anything_is_sent(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({}))

    async def main() -> None:
        async with AsyncAstakosClient(peer.url) as client:
            await client.get_quotas("two\r\nlines")

    with pytest.raises(errors.BadValue, match="the token contains a character"):
        asyncio.run(main())
    assert peer.requests == []


@every_loop
def test_a_client_that_was_left_open_says_what_to_do(run: Run, peer_of: PeerFactory) -> None:
    peer = peer_of(answer({}))

    async def main() -> None:
        client = AsyncAstakosClient(peer.url)
        await client.get_quotas(TOKEN)
        with pytest.warns(ResourceWarning, match=r"use `async with`.*or `await client.aclose\(\)`") as warned:
            del client
        assert TOKEN not in str(warned[0].message)

    run(main())


@every_loop
def test_no_token_is_in_the_log_or_in_what_is_raised(
    run: Run, peer_of: PeerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    peer = peer_of(answer({}), fault("forbidden", 403, TOKEN, "403 Forbidden"), hang_up, silence)

    async def failing(attempt: Awaitable[object]) -> str:
        with pytest.raises(errors.AstakosClientException) as failed:
            await attempt
        return repr(failed.value)

    async def main() -> list[str]:
        async with AsyncAstakosClient(peer.url) as client:
            await client.get_quotas(TOKEN)
            hasty = client.with_options(timeout=0.2)
            return [repr(client), *[await failing(hasty.issue_commission(TOKEN, {})) for _ in range(3)]]

    assert TOKEN not in "".join(run(main()))
    assert len(caplog.records) >= 4
    assert TOKEN not in caplog.text
