"""The time of a service, which passes when the test says so."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, errors
from astakosclient.testing import Clock, RunningService

if TYPE_CHECKING:
    from service.testing.conftest import Shop


def test_a_commission_ends_with_its_time_to_live(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    serial = shop.issue(astakos_client, 4, ttl=60)
    astakos_service.clock.advance(59)
    assert shop.pending(astakos_client) == 1
    astakos_service.clock.advance(1)
    assert shop.pending(astakos_client) == 0
    assert astakos_client.get_quotas(shop.ada.token)[shop.ada.uuid]["compute.vm"]["usage"] == 0
    history = astakos_client.get_commission_history(shop.compute.token, serial=serial)["history"]
    assert {entry["outcome"] for entry in history} == {"EXPIRED"}
    with pytest.raises(errors.NotFound):
        astakos_client.accept_commission(shop.compute.token, serial)


def test_a_project_ends_at_its_end_date_if_projects_do(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    lab = astakos_service.add_project(members=[shop.ada], limits={"compute.vm": 3})
    soon = (astakos_service.clock.time + timedelta(days=2)).isoformat()
    ending = {"uuid": lab.uuid, "name": lab.name, "end_date": soon}
    astakos_service.load({"settings": {"end_projects": True}, "projects": [ending]})
    astakos_service.clock.advance(timedelta(days=1))
    assert astakos_client.get_quotas(shop.ada.token)[lab.uuid]["compute.vm"]["limit"] == 3
    astakos_service.clock.advance(timedelta(days=1))
    assert astakos_client.get_quotas(shop.ada.token)[lab.uuid]["compute.vm"]["limit"] == 0


def test_a_token_of_a_user_expires_and_can_be_renewed(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    astakos_service.clock.advance(timedelta(days=29))
    assert astakos_client.get_quotas(shop.ada.token)
    astakos_service.clock.advance(timedelta(days=1))
    with pytest.raises(errors.Unauthorized, match="expired"):
        astakos_client.get_quotas(shop.ada.token)
    assert shop.pending(astakos_client) == 0, "a component's token does not expire"
    assert astakos_client.get_quotas(astakos_service.renew_token(shop.ada).token)


def test_an_idempotency_key_is_forgotten_in_the_end(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    request = {
        "provisions": [
            {
                "holder": f"user:{shop.ada.uuid}",
                "source": f"project:{shop.ada.uuid}",
                "resource": "compute.vm",
                "quantity": 1,
            },
        ]
    }

    def issue() -> int:
        return astakos_client.issue_commission(shop.compute.token, request, idempotency_key="the same")

    first = issue()
    astakos_service.clock.advance(timedelta(days=1))
    assert issue() == first
    astakos_service.clock.advance(timedelta(days=2))
    assert issue() != first


def test_frozen_it_moves_only_when_it_is_advanced(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    astakos_service.clock.freeze()
    shop.issue(astakos_client, 1)
    astakos_service.clock.advance(5)
    shop.issue(astakos_client, 1)
    first, second = (
        datetime.fromisoformat(astakos_client.get_commission_info(shop.compute.token, serial)["issue_time"])
        for serial in astakos_client.get_pending_commissions(shop.compute.token)
    )
    assert second - first == timedelta(seconds=5)
    assert second == astakos_service.clock.time.replace(tzinfo=second.tzinfo)


def test_it_goes_with_the_machine_and_on_from_where_it_was_frozen() -> None:
    clock = Clock()
    before = datetime.now(UTC)
    assert before <= clock.time <= datetime.now(UTC)
    clock.freeze()
    frozen = clock.time
    assert clock.time == frozen
    clock.advance(timedelta(hours=1))
    assert clock.time - frozen == timedelta(hours=1)
    clock.resume()
    assert timedelta(hours=1) <= clock.time - frozen < timedelta(hours=1, minutes=1)
    clock.resume()
    assert clock.time - frozen < timedelta(hours=1, minutes=1)


@pytest.mark.parametrize("seconds", [-1, math.inf, math.nan, timedelta(days=-1)])
def test_it_does_not_go_back(seconds: float | timedelta) -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="advance by 0 seconds or more"):
        clock.advance(seconds)
