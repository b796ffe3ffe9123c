"""The fixtures that pytest finds by itself where this package is installed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astakos.testing.running import RunningService
    from astakosclient.client import DocumentedClient


@pytest.fixture
def astakos_service() -> Iterator[RunningService]:
    """A real service, with nothing in it, for one test alone; see `astakosclient.testing`."""
    from astakosclient.testing import ServiceNotInstalledError, running_service  # noqa: PLC0415 - only when used

    with contextlib.ExitStack() as stack:
        try:
            service = stack.enter_context(running_service())
        except ServiceNotInstalledError as error:
            pytest.fail(str(error), pytrace=False)
        yield service


@pytest.fixture
def astakos_client(astakos_service: RunningService) -> DocumentedClient:
    """A client of `astakos_service`, which is closed with it."""
    return astakos_service.client()
