"""LiteLLM's proxy in a process of its own, with the plugin `astakosclient.litellm`.

It runs in the environment that `make test-litellm` makes, `.venv-litellm`.
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from examples.ai_gateway.world import ROOT, started

PROGRAM = ROOT / ".venv-litellm" / "bin" / "litellm"
TO_START = 180.0
"""Seconds; it imports a lot."""

Deployment = Mapping[str, Mapping[str, object] | str]


def deployment(name: str, url: str, key: str, **info: object) -> Deployment:
    """Returns an entry of `model_list`."""
    params = {"model": f"openai/{name}", "api_base": f"{url}/v1", "api_key": key}
    return {"model_name": name, "litellm_params": params, "model_info": info}


def with_budgets(models: Sequence[Deployment]) -> Mapping[str, Any]:
    """Returns the configuration of a proxy.

    It repeats requests: a provider may close an idle connection at the moment at which LiteLLM uses it again.
    """
    return {
        "model_list": models,
        "litellm_settings": {"callbacks": ["astakosclient.litellm.budgets"]},
        "general_settings": {"custom_auth": "astakosclient.litellm.authenticate"},
        "router_settings": {"num_retries": 3},
    }


@contextlib.asynccontextmanager
async def litellm_process(
    port: int, folder: Path, configuration: Mapping[str, Any], *, output: int = DEVNULL, **variables: str
) -> AsyncIterator[None]:
    """Runs the proxy; its configuration is written to the folder."""
    file = folder / "config.yaml"
    await asyncio.to_thread(file.write_text, json.dumps(configuration), encoding="utf-8")
    command = [str(PROGRAM), "--config", str(file), "--host", "127.0.0.1", "--port", str(port)]
    own = {
        # Of the environment of its own, nothing is to be found in this one's.
        "PYTHONPATH": str(ROOT / "src"),
        # Not asked for, but it does not start without one.
        "LITELLM_MASTER_KEY": f"sk-{secrets.token_hex(24)}",
        # No program on this machine is believed to pass requests of others on.
        "FORWARDED_ALLOW_IPS": "",
        # The provider that only pretends says one word again and again, which LiteLLM takes for a failure.
        "REPEATED_STREAMING_CHUNK_LIMIT": "1000000",
        # The prices of this very release, in place of what is on the network today.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    async with started(command, port, {**own, **variables}, to_start=TO_START, output=output):
        yield
