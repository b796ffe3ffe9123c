"""pytest fixtures, registered as a plugin by the package's entry point."""

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
    """A running, empty Astakos service for a single test; see `astakosclient.testing`."""
    from astakosclient.testing import ServiceNotInstalledError, running_service  # noqa: PLC0415 - only when used

    with contextlib.ExitStack() as stack:
        try:
            service = stack.enter_context(running_service())
        except ServiceNotInstalledError as error:
            pytest.fail(str(error), pytrace=False)
        yield service


@pytest.fixture
def astakos_client(astakos_service: RunningService) -> DocumentedClient:
    """A client of `astakos_service`; closed together with the service."""
    return astakos_service.client()
