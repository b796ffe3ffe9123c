"""What is charged of a request whose task is cancelled while it is reserved."""

import asyncio

from astakosclient import AsyncAstakosClient
from astakosclient.language_models.callers import identify
from astakosclient.language_models.charge import MONEY, TOKENS, Background, Charge
from astakosclient.language_models.estimates import SCALE, Model, Tokens
from astakosclient.testing import RunningService
from client.holding import Holding

MODEL = Model.priced("gpt", {"input": "2.50", "output": "10"}, context=1000, most_output=1000)


def test_it_is_released(astakos_service: RunningService) -> None:
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
