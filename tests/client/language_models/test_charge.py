"""Charges of requests that are cancelled or misused: nothing is free by mistake."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from astakosclient import AsyncAstakosClient
from astakosclient.language_models.callers import Caller, identify
from astakosclient.language_models.charge import MONEY, TOKENS, Background, Charge
from astakosclient.language_models.estimates import SCALE, Model, Tokens
from astakosclient.language_models.refusals import Refused
from astakosclient.testing import RunningService
from client.holding import Holding

MODEL = Model.priced("gpt", {"input": "2.50", "output": "10"}, context=1000, most_output=1000)


def test_what_is_cancelled_while_it_is_reserved_is_released(astakos_service: RunningService) -> None:
    gateway = astakos_service.add_service("models", resources=[TOKENS])
    astakos_service.add_resource(MONEY, service="models", scale=SCALE)
    ada = astakos_service.add_user(quotas={TOKENS: 1000, MONEY: 10**6})

    async def main() -> list[int]:
        holding = Holding(astakos_service.url, "/commissions")
        shared = AsyncAstakosClient(astakos_service.url, transport=holding)
        astakos, background = shared.bind(gateway.token), Background()
        charge = Charge(
            astakos,
            background,
            request_id="a request",
            caller=await identify(astakos, ada.token),
            model=MODEL,
            most=Tokens(100, 100),
            at_first=None,
            ttl=120,
        )
        reserving = asyncio.create_task(charge.reserve())
        await holding.is_held.wait()
        reserving.cancel()
        await asyncio.wait([reserving])
        assert reserving.cancelled()
        holding.let_go.set()
        await background.finish(5)
        pending = await astakos.get_pending_commissions()
        await holding.aclose()
        return pending

    assert asyncio.run(main()) == []
    issued = [one for one in astakos_service.requests if one.path.endswith("/commissions")]
    assert issued[0].status == 201


def charging(service: RunningService, use: Callable[[Charge], Awaitable[None]], **changed: Any) -> int:
    """Lets a gateway use a charge, and returns how many tokens Ada was charged."""
    gateway = service.add_service("models", resources=[TOKENS])
    service.add_resource(MONEY, service="models", scale=SCALE)
    ada = service.add_user(quotas={TOKENS: 1000, MONEY: 10**6})

    async def main() -> int:
        background = Background()
        async with AsyncAstakosClient(service.url) as shared:
            astakos = shared.bind(gateway.token)
            arguments: dict[str, Any] = {
                "request_id": "a request",
                "caller": await identify(astakos, ada.token),
                "model": MODEL,
                "most": Tokens(100, 100),
                "at_first": None,
                "ttl": 120,
            }
            await use(Charge(astakos, background, **(arguments | changed)))
            await background.finish(5)
            quotas = await shared.get_quotas(ada.token)
        usage: int = quotas[ada.uuid][TOKENS]["usage"]
        return usage

    return asyncio.run(main())


def test_what_was_never_reserved_is_not_free(astakos_service: RunningService) -> None:
    async def use(charge: Charge) -> None:
        for call in (charge.cover, charge.settle):
            with pytest.raises(RuntimeError, match=re.escape("`await charge.reserve()`")):
                await call(Tokens(1, 1))
        await charge.settle(None)  # as a `finally` does after something else has failed

    assert charging(astakos_service, use) == 0


def test_the_end_of_an_application_waits_for_requests_that_are_about_to_end(
    astakos_service: RunningService,
) -> None:
    async def use(charge: Charge) -> None:
        await charge.reserve()
        # As of a stream that a server cancels while the application ends.
        asyncio.get_running_loop().call_later(0.1, charge.end, Tokens(3, 5))

    assert charging(astakos_service, use) == 8


@pytest.mark.parametrize(
    ("used", "why"),
    [
        (5, "used must be Tokens(input, output), not 5"),
        ((3, 5), "used must be Tokens(input, output), not (3, 5)"),
        ({"input": 3, "output": 5}, "used must be Tokens(input, output)"),
        (Tokens(3, 5.5), "used.output must be a whole number, not 5.5"),  # type: ignore[arg-type]
        (Tokens(-3, 5), "used.input must be at least 0, not -3"),
    ],
)
def test_a_settlement_for_what_are_no_tokens_is_refused_at_once(
    used: Any, why: str, astakos_service: RunningService
) -> None:
    async def use(charge: Charge) -> None:
        await charge.reserve()
        with pytest.raises((TypeError, ValueError), match=re.escape(why)):
            await charge.settle(used)
        await charge.settle(Tokens(3, 5))

    assert charging(astakos_service, use) == 8


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ttl": 0}, "ttl must be at least 1, not 0"),
        ({"ttl": "60"}, "ttl must be a whole number, not '60'"),
        ({"at_first": -1}, "at_first must be at least 0, not -1"),
        ({"at_first": 1.5}, "at_first must be a whole number, not 1.5"),
        ({"most": 100}, "most must be Tokens(input, output), not 100"),
        ({"most": Tokens(-1, 5)}, "most.input must be at least 0, not -1"),
        ({"model": "gpt"}, "model must be a Model, not 'gpt'"),
        ({"caller": "ada"}, "caller must be a Caller, not 'ada'"),
        ({"request_id": None}, "request_id must be a str, not None"),
    ],
)
def test_wrong_arguments_are_named_before_anything_is_sent(changed: dict[str, Any], why: str) -> None:
    arguments: dict[str, Any] = {
        "request_id": "a request",
        "caller": Caller("user", None, "project"),
        "model": MODEL,
        "most": Tokens(100, 100),
        "at_first": None,
        "ttl": 120,
    }
    shared = AsyncAstakosClient("http://127.0.0.1:9")
    with pytest.raises((TypeError, ValueError), match=re.escape(why)):
        Charge(shared.bind("a token"), Background(), **(arguments | changed))


def test_a_project_that_is_named_by_its_name_is_told_how_to_be_named(astakos_service: RunningService) -> None:
    gateway, ada = astakos_service.add_service("models"), astakos_service.add_user()
    lab = astakos_service.add_project(members=[ada])

    async def main() -> None:
        async with AsyncAstakosClient(astakos_service.url) as shared:
            astakos = shared.bind(gateway.token)
            assert (await identify(astakos, ada.token, project=lab.uuid)).project == lab.uuid
            with pytest.raises(Refused, match="named by its UUID"):
                await identify(astakos, ada.token, project=lab.name)
            with pytest.raises(TypeError, match="must be a str, not a bytes"):
                await identify(astakos, ada.token.encode())  # type: ignore[arg-type]

    asyncio.run(main())
