"""What a service was asked, for tests to look at."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, errors

if TYPE_CHECKING:
    from astakosclient.testing import RunningService
    from service.testing.conftest import Shop


def test_each_request_is_kept_as_it_came(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    serial = shop.issue(astakos_client, 3)
    astakos_client.accept_commission(shop.compute.token, serial)
    issued, accepted = astakos_service.requests
    assert (issued.method, issued.path, issued.status) == ("POST", "/account/v1.0/commissions", 201)
    assert issued.headers["content-type"] == "application/json"
    assert {provision["quantity"] for provision in issued.json["provisions"]} == {3}
    assert accepted.path == f"/account/v1.0/commissions/{serial}/action"
    assert accepted.json == {"accept": ""}
    assert (accepted.query, accepted.status) == ("", 200)


def test_what_was_refused_is_kept_as_well(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    with pytest.raises(errors.QuotaLimit):
        shop.issue(astakos_client, 5)
    astakos_service.delay_next()
    with pytest.raises(errors.ConnectionError):
        shop.issue(astakos_service.client(retry=0, timeout=0.3), 1)
    assert [request.status for request in astakos_service.requests] == [413, None]
    assert [request.json["provisions"][0]["quantity"] for request in astakos_service.requests] == [5, 1]


def test_tokens_are_named_and_not_shown(
    astakos_service: RunningService, astakos_client: AstakosClient, shop: Shop
) -> None:
    astakos_client.get_endpoints(shop.ada.token)
    astakos_client.get_quotas(shop.ada.token)
    shop.pending(astakos_client)
    with pytest.raises(errors.Unauthorized):
        astakos_client.get_quotas("a-token-of-another-service")
    target = f"{astakos_service.url}/account/v1.0/quotas?X-Auth-Token={shop.ada.token}&format=json"
    with urllib.request.urlopen(target, timeout=20) as answer:
        assert answer.status == 200
    catalog, quotas, pending, unknown, query = astakos_service.requests
    assert catalog.json["auth"]["token"]["id"] == "<token of ada@example.org>"
    assert quotas.headers["x-auth-token"] == "<token of ada@example.org>"
    assert pending.headers["x-auth-token"] == "<token of compute>"
    assert unknown.headers["x-auth-token"] == "[secret]"
    assert query.query == "X-Auth-Token=[secret]&format=json"
    hebe = astakos_service.add_user("Ἥβη@example.org")
    astakos_client.get_endpoints(hebe.token)
    assert astakos_service.requests[-1].json["auth"]["token"]["id"] == "<token of ἥβη@example.org>"
    everything = "".join(
        f"{request!r}{request.query}{request.headers}{request.body!r}" for request in astakos_service.requests
    )
    for token in (hebe.token, shop.ada.token, shop.compute.token, "a-token-of-another-service"):
        assert token not in everything
