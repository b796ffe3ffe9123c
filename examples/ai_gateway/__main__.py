"""Starts all of it: a service with budgets, a provider that only pretends, and the gateway between them."""

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from examples.ai_gateway.gateway import Settings, application
from examples.ai_gateway.models import read_models
from examples.ai_gateway.upstream import Bill, provider
from examples.ai_gateway.world import UPSTREAM_KEY, serving, set_up

from astakosclient.testing import running_service

TRY_IT = """\
The gateway is at {url}/v1, and Ada has {dollars} USD. In another terminal:

  export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY={token}
  curl -N $OPENAI_BASE_URL/chat/completions -H "Authorization: Bearer $OPENAI_API_KEY" \\
    -H "Content-Type: application/json" \\
    -d '{{"model": "gpt-example", "stream": true, "max_tokens": 100,
         "messages": [{{"role": "user", "content": "write 20 words"}}]}}'

What she has used: ASTAKOS_URL={astakos} ASTAKOS_TOKEN=$OPENAI_API_KEY astakos quota mine
Ctrl-C ends all of it.
"""


async def main(port: int, dollars: str) -> None:
    """Run until a signal ends it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with running_service() as service:
        component = set_up(service, dollars)
        ada = service.add_user("ada")
        async with serving(provider(Bill(), UPSTREAM_KEY, seconds_per_token=0.05)) as upstream:
            settings = Settings(
                models=read_models(Path(__file__).with_name("gateway.toml")),
                astakos_url=service.url,
                astakos_token=component.token,
                upstream_url=upstream,
                upstream_key=UPSTREAM_KEY,
            )
            async with serving(application(settings), port) as url:
                print(
                    TRY_IT.format(url=url, dollars=dollars, token=ada.token, astakos=service.url), flush=True
                )
                await stop.wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="python -m examples.ai_gateway", description=__doc__)
    arguments.add_argument("--port", type=int, default=8080, help="the gateway's port")
    arguments.add_argument("--dollars", default="0.002", help="each user's budget")
    chosen = arguments.parse_args()
    asyncio.run(main(chosen.port, chosen.dollars))
