"""What most tests of a service in the test's own process begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from astakosclient import AstakosClient
    from astakosclient.testing import Component, RunningService, User


@dataclass(frozen=True)
class Shop:
    """A service that charges a user."""

    compute: Component
    ada: User

    def issue(self, client: AstakosClient, quantity: int, ttl: int | None = None) -> int:
        return client.issue_one_commission(
            self.compute.token, self.ada.uuid, "system", {"compute.vm": quantity}, ttl=ttl
        )

    def pending(self, client: AstakosClient) -> int:
        return len(client.get_pending_commissions(self.compute.token))


@pytest.fixture
def shop(astakos_service: RunningService) -> Shop:
    compute = astakos_service.add_service(
        "compute", endpoints="https://compute.example.org/v2", resources={"compute.vm": 4}
    )
    return Shop(compute, astakos_service.add_user("ada@example.org"))
