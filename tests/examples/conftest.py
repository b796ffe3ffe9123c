"""The fixture of the tests of the AI gateway."""

import asyncio
from typing import Any

import pytest

from astakosclient.testing import RunningService
from examples.gateway_site import Story, Telling, told


@pytest.fixture
def tell(astakos_service: RunningService) -> Telling:
    """Runs a story with a gateway; its options are those of the gateway's settings."""

    def run(story: Story, dollars: str = "1", seconds_per_token: float = 0.0, **options: Any) -> None:
        asyncio.run(told(astakos_service, story, dollars, seconds_per_token, options))

    return run
