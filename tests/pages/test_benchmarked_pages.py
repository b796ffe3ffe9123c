"""The benchmark of pages asks for each of them."""

import pytest
from benchmarks import page_addresses
from benchmarks.page_addresses import NO_PAGES, addresses

from astakos.http.pages.page_routes import PAGE_ROUTES
from astakos.http.routes import TABLE
from astakos.http.routing import EXACTLY, Route


def test_every_page_is_measured() -> None:
    asked = {TABLE.find(address.partition("?")[0])[0] for address in addresses()}
    pages = {route.template for route in PAGE_ROUTES if "GET" in route.methods} - set(NO_PAGES)
    assert pages <= {route.template for route in asked if route is not None}
    assert None not in asked


def test_a_page_without_an_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    new = Route("/ui/admin/new/{serial}", {"GET": PAGE_ROUTES[0].methods["GET"]}, EXACTLY)
    monkeypatch.setattr(page_addresses, "PAGE_ROUTES", [*PAGE_ROUTES, new])
    with pytest.raises(ValueError, match=r"the page /ui/admin/new/\{serial\}: add one"):
        addresses()
