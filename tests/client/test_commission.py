"""A commission for the time of a block, against the real service."""

from __future__ import annotations

import asyncio
import contextlib
import math
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import Answer, AstakosClient, AsyncAstakosClient, errors
from client.peers import answer, fault
from service.world import ALICE, COMPUTE_TOKEN, RAM, VM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astakosclient import Request, Timeout
    from client.conftest import PeerFactory
    from service.caller import Caller


@pytest.fixture
def client(service: Caller) -> Iterator[AstakosClient]:
    with AstakosClient(service.base_url) as client:
        yield client


def usage(client: AstakosClient) -> tuple[int, int]:
    quota = client.get_quotas(ALICE.token)[ALICE.uuid][VM]
    return quota["usage"], quota["pending"]


def test_it_is_pending_within_the_block_and_accepted_after_it(client: AstakosClient) -> None:
    used, _ = usage(client)
    with client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 2}, name="two") as commission:
        assert client.get_pending_commissions(COMPUTE_TOKEN) == [commission.serial]
        assert commission.serial is not None
        assert client.get_commission_info(COMPUTE_TOKEN, commission.serial)["name"] == "two"
        assert usage(client) == (used + 2, 2)
    assert usage(client) == (used + 2, 0)
    assert commission.serial is None


@pytest.mark.parametrize("trouble", [ValueError, KeyboardInterrupt])
def test_it_is_rejected_if_the_block_raises(trouble: type[BaseException], client: AstakosClient) -> None:
    before = usage(client)
    with pytest.raises(trouble), client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 2}):
        raise trouble
    assert usage(client) == before
    assert client.get_pending_commissions(COMPUTE_TOKEN) == []


def test_the_block_is_not_entered_without_quota(client: AstakosClient) -> None:
    with (
        pytest.raises(errors.QuotaLimit),
        client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1_000_000}),
    ):
        pytest.fail("entered")


def test_it_can_be_settled_for_less(client: AstakosClient) -> None:
    used, _ = usage(client)
    with client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 3, RAM: 0}) as commission:
        commission.settle({VM: 1})
    assert usage(client) == (used + 1, 0)


@pytest.mark.parametrize("used", [{VM: -1}, {VM: 1.0}, {VM: True}, {"compute.other": 1}, None])
def test_it_cannot_be_settled_for_what_was_not_issued(used: Any, client: AstakosClient) -> None:
    before = usage(client)
    with (
        pytest.raises(errors.BadValue),
        client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 3}) as commission,
    ):
        commission.settle(used)
    assert usage(client) == before


def settle_in_turn(client: AstakosClient, *quantities: int) -> None:
    """Holds 3 for a block that settles them and then fails."""
    with client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 3, RAM: 0}) as commission:
        for quantity in quantities:
            commission.settle({VM: quantity})
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("quantities", "raised", "charged"),
    [
        ((1,), ZeroDivisionError, 1),
        ((1, 2), ZeroDivisionError, 2),
        ((0,), ZeroDivisionError, 0),
        ((2, 4), ZeroDivisionError, 4),
        ((2, -1), errors.BadValue, 2),
        ((4,), ZeroDivisionError, 4),
        ((-1,), errors.BadValue, 0),
    ],
)
def test_what_was_settled_is_charged_whatever_the_block_raises(
    quantities: tuple[int, ...], raised: type[Exception], charged: int, client: AstakosClient
) -> None:
    used, _ = usage(client)
    with pytest.raises(raised):
        settle_in_turn(client, *quantities)
    assert usage(client) == (used + charged, 0)
    assert client.get_pending_commissions(COMPUTE_TOKEN) == []


def test_what_the_block_raised_goes_on_if_accepting_fails(peer_of: PeerFactory) -> None:
    issued = answer({"serial": 7}, "201 Created", headers="Astakos-Supports: quantities\r\n")
    peer = peer_of(issued, fault("fault", 500, "no", "500 No"))
    with AstakosClient(peer.url) as client, pytest.raises(ZeroDivisionError) as raised:
        settle_in_turn(client, 1)
    [note] = raised.value.__notes__
    assert note.startswith("commission 7 could not be accepted and may still be pending: POST ")
    assert list(peer.requests[1].json) == ["accept"]


@pytest.mark.parametrize(("quantities", "charged"), [((2, 4), 2), ((4,), 3)])
def test_a_server_that_accepts_no_more_than_was_issued_is_asked_for_what_it_accepts(
    quantities: tuple[int, ...], charged: int, peer_of: PeerFactory
) -> None:
    issued = answer({"serial": 7}, "201 Created", headers="Astakos-Supports: quantities\r\n")
    peer = peer_of(issued, answer())
    with AstakosClient(peer.url) as client, pytest.raises(errors.BadValue):
        settle_in_turn(client, *quantities)
    value = peer.requests[1].json["accept"]
    assert (value["quantities"][0]["quantity"], "overage" in value) == (charged, False)


def test_more_than_the_limit_can_have_been_used(client: AstakosClient) -> None:
    used, _ = usage(client)
    limit = client.get_quotas(ALICE.token)[ALICE.uuid][VM]["limit"]
    with client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1}) as commission:
        commission.settle({VM: limit + 5})
    assert usage(client) == (used + limit + 5, 0)


def test_a_commission_can_grow_and_live_longer_within_its_block(client: AstakosClient) -> None:
    used, _ = usage(client)
    with client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1, RAM: 0}, ttl=60) as commission:
        commission.grow({VM: 3})
        assert usage(client) == (used + 3, 3)
        before = client.get_commission_info(COMPUTE_TOKEN, commission.serial or 0)["expires"]
        assert (commission.extend(600) or "") > before
        commission.progress({VM: 2})
        with pytest.raises(errors.QuotaLimit):
            commission.grow({VM: 1_000_000})
        commission.settle({VM: 3})
    assert usage(client) == (used + 3, 0)


def tell_and_fail(client: AstakosClient) -> None:
    with client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 3, RAM: 1}) as commission:
        commission.progress({VM: 1})
        commission.progress({VM: 2})
        raise ZeroDivisionError


def test_what_a_block_has_told_is_charged_if_it_raises(client: AstakosClient) -> None:
    used, _ = usage(client)
    with pytest.raises(ZeroDivisionError):
        tell_and_fail(client)
    assert usage(client) == (used + 2, 0)
    assert client.get_quotas(ALICE.token)[ALICE.uuid][RAM]["usage"] == 0


@pytest.mark.parametrize("change", ["grow", "progress"])
def test_a_change_outside_of_the_block_is_refused(change: str, client: AstakosClient) -> None:
    commission = client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1})
    with pytest.raises(errors.BadValue, match="inside"):
        getattr(commission, change)({VM: 1})
    with pytest.raises(errors.BadValue, match="inside"):
        commission.extend(5)


def test_settling_outside_of_the_block_is_refused(client: AstakosClient) -> None:
    commission = client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 3})
    with pytest.raises(errors.BadValue, match="inside"):
        commission.settle({VM: 1})


def test_it_can_be_used_again(client: AstakosClient) -> None:
    used, _ = usage(client)
    commission = client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 2})
    with commission:
        commission.settle({VM: 1})
    with commission:
        pass
    assert usage(client) == (used + 3, 0)


def test_it_reserves_the_same_again_after_it_has_grown(client: AstakosClient) -> None:
    used, _ = usage(client)
    commission = client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1})
    with commission:
        commission.grow({VM: 3})
    with commission:
        pass
    assert usage(client) == (used + 4, 0)


def test_it_is_issued_once_though_it_is_entered_twice(client: AstakosClient) -> None:
    used, _ = usage(client)
    with client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1}) as commission:
        with pytest.raises(errors.BadValue, match="issued already"), commission:
            pytest.fail("entered")
        assert client.get_pending_commissions(COMPUTE_TOKEN) == [commission.serial]
    assert usage(client) == (used + 1, 0)


def test_it_is_issued_once_though_two_tasks_enter_it_at_once(service: Caller, client: AstakosClient) -> None:
    used, _ = usage(client)

    async def main() -> tuple[BaseException | None, BaseException | None]:
        async with AsyncAstakosClient(service.base_url) as asynchronous:
            commission = asynchronous.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1})

            async def block() -> None:
                async with commission:
                    await asyncio.sleep(0)

            return await asyncio.gather(block(), block(), return_exceptions=True)

    first, second = asyncio.run(main())
    assert first is None
    assert isinstance(second, errors.BadValue)
    assert usage(client) == (used + 1, 0)
    assert client.get_pending_commissions(COMPUTE_TOKEN) == []


def test_it_can_be_entered_after_a_refusal(client: AstakosClient) -> None:
    used, _ = usage(client)
    provisions = {VM: 1_000_000}
    commission = client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", provisions)
    with pytest.raises(errors.QuotaLimit), commission:
        pytest.fail("entered")
    provisions[VM] = 1
    with commission:
        pass
    assert usage(client) == (used + 1, 0)


def test_leaving_what_was_not_entered_is_refused(client: AstakosClient) -> None:
    commission = client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1})
    with pytest.raises(errors.BadValue, match="inside"):
        commission.__exit__(None, None, None)


def test_an_original_server_which_cannot_settle_is_not_asked_to(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"serial": 7}, "201 Created"), answer())
    with (
        AstakosClient(peer.url) as client,
        pytest.raises(errors.AstakosClientException, match="less than was issued"),
        client.commission("token", "u", "system", {VM: 3}) as commission,
    ):
        commission.settle({VM: 1})
    assert peer.requests[1].json == {"reject": ""}


def test_what_the_block_raised_goes_on_if_rejecting_fails(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"serial": 7}, "201 Created"), fault("fault", 500, "no", "500 No"))
    with (
        AstakosClient(peer.url) as client,
        pytest.raises(ZeroDivisionError) as raised,
        client.commission("token-token", "u", "system", {VM: 3}),
    ):
        raise ZeroDivisionError
    [note] = raised.value.__notes__
    assert note.startswith("commission 7 could not be rejected and may still be pending: POST ")
    assert "token-token" not in note


def resolve_within_block(url: str, trouble: Exception | None = None) -> None:
    with (
        AstakosClient(url) as client,
        client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1}) as commission,
    ):
        assert commission.serial is not None
        client.reject_commission(COMPUTE_TOKEN, commission.serial)
        if trouble is not None:
            raise trouble


def resolve_within_awaited_block(url: str, trouble: Exception | None = None) -> None:
    async def main() -> None:
        async with (
            AsyncAstakosClient(url) as client,
            client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1}) as commission,
        ):
            assert commission.serial is not None
            await client.reject_commission(COMPUTE_TOKEN, commission.serial)
            if trouble is not None:
                raise trouble

    asyncio.run(main())


NOT_PENDING = (
    "404 Not Found: the service has no pending commission with this serial: it was accepted or rejected"
)
either_client = pytest.mark.parametrize(
    "resolve", [resolve_within_block, resolve_within_awaited_block], ids=["sync", "async"]
)


@either_client
def test_the_end_of_the_block_says_that_the_commission_was_no_longer_pending(
    resolve: Callable[[str], None], service: Caller
) -> None:
    with pytest.raises(errors.NotFound, match=NOT_PENDING):
        resolve(service.base_url)


@either_client
def test_what_the_block_raised_is_told_that_the_commission_was_no_longer_pending(
    resolve: Callable[[str, Exception], None], service: Caller
) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        resolve(service.base_url, ZeroDivisionError())
    [note] = raised.value.__notes__
    assert " could not be rejected: POST " in note
    assert NOT_PENDING in note


@pytest.mark.parametrize("call", ["accept_commission", "reject_commission", "get_commission_info"])
def test_a_commission_that_is_not_pending_is_told_as_such(call: str, client: AstakosClient) -> None:
    with client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1}) as commission:
        serial = commission.serial
    assert serial is not None
    with pytest.raises(errors.NotFound) as refused:
        getattr(client, call)(COMPUTE_TOKEN, serial)
    assert NOT_PENDING in str(refused.value)


def test_what_accepting_raises_is_told(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"serial": 7}, "201 Created"), fault("fault", 500, "no", "500 No"))
    entered = False
    with (
        AstakosClient(peer.url) as client,
        contextlib.suppress(ZeroDivisionError),
        pytest.raises(errors.AstakosClientException, match="500"),
        client.commission("token", "u", "system", {VM: 3}),
    ):
        entered = True
    assert entered


@pytest.mark.parametrize("quantity", [0.5, math.nan, math.inf, Decimal("0.5"), Fraction(1, 2)])
def test_a_fraction_is_refused_with_what_makes_a_quantity_of_it(quantity: Any, client: AstakosClient) -> None:
    with pytest.raises(errors.BadValue, match=r"astakosclient\.pricing\.quantity_of") as refused:
        client.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: quantity})
    assert f"quantity of {VM} must be a whole number, not {quantity!r}" in str(refused.value)
    with (
        client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1}) as commission,
        pytest.raises(errors.BadValue, match="whole number"),
    ):
        commission.grow({VM: quantity})


def test_a_commission_for_nothing_settles_for_nothing(client: AstakosClient) -> None:
    with (
        client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {}) as commission,
        pytest.raises(errors.BadValue, match="not in this commission, which is empty"),
    ):
        commission.settle({VM: 1})


def test_its_representation_has_no_token(client: AstakosClient) -> None:
    commission = client.commission(COMPUTE_TOKEN, ALICE.uuid, "system", {VM: 1})
    assert repr(commission) == "<Commission not pending>"


class Interrupted:
    """A transport that a signal interrupts, as Ctrl-C or a worker's time limit does, at a certain request."""

    def __init__(self, at: str) -> None:
        self._at = at

    def send(self, request: Request, timeout: Timeout) -> Answer:
        if request.target.endswith(self._at):
            raise KeyboardInterrupt
        return Answer(201, body=b'{"serial": 7}')


@pytest.mark.parametrize(
    ("at", "note"),
    [
        (
            "/commissions",
            "a commission may have been issued; if so, it is pending, and get_pending_commissions lists it",
        ),
        ("/action", "commission 7 may not have been accepted yet"),
    ],
)
def test_an_interruption_says_that_the_commission_may_be_pending(at: str, note: str) -> None:
    client = AstakosClient("http://localhost", transport=Interrupted(at))
    with (
        pytest.raises(KeyboardInterrupt) as raised,
        client.commission("token-token", "u", "system", {VM: 3}, ttl=60),
    ):
        pass
    assert raised.value.__notes__ == [note]
