"""Reads the roots of the API (account, UI and OAuth2) from the service catalog, without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from astakosclient.catalog import parse_endpoints
from astakosclient.core.address import DEFAULT_PORTS, path_in_url
from astakosclient.core.hosts import parse_host
from astakosclient.errors import BadValue, NoEndpoints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astakosclient.core.address import Address

ACCOUNT_SERVICE = "astakos_account"
ACCOUNT_VERSION = "v1.0"
OAUTH2_SERVICE = "astakos_oauth2"
UI_URL = "SNF:uiURL"


@dataclass(frozen=True, slots=True)
class Root:
    """The root of one part of the API.

    Attributes:
        url: the URL in the catalog.
        prefix: the percent-encoded path of the URL without a trailing slash; clients use only this part.
    """

    url: str
    prefix: str

    def is_at(self, address: Address) -> bool:
        """Returns whether the URL names the server at the address; a URL without a host always does."""
        try:
            parts = urlsplit(self.url)
            port = parts.port or DEFAULT_PORTS.get(parts.scheme)
            host = parse_host(parts.hostname or "", "the URL").name
        except (ValueError, BadValue):
            return False
        server = (address.scheme, address.host, address.port)
        return not parts.netloc or (parts.scheme, host, port) == server


@dataclass(frozen=True, slots=True)
class Roots:
    """The roots of a service; ``ui`` and ``oauth2`` are None if the catalog does not list them."""

    account: Root
    ui: Root | None = None
    oauth2: Root | None = None

    def foreign_urls(self, address: Address) -> list[str]:
        """Returns the URLs that name a server other than the one at the address."""
        return [root.url for root in (self.account, self.ui, self.oauth2) if root and not root.is_at(address)]


def roots_of(catalog: Mapping[str, Any]) -> Roots:
    """Returns the roots listed in a service catalog.

    Raises:
        NoEndpoints: the catalog does not list the account service, which every client needs.
    """
    account = _endpoint(catalog, ACCOUNT_SERVICE, ACCOUNT_VERSION)
    root = _root(account.get("publicURL"))
    if root is None:
        raise NoEndpoints(ACCOUNT_SERVICE, ep_version_id=ACCOUNT_VERSION)
    return Roots(root, _root(account.get(UI_URL)), _oauth2(catalog))


def _oauth2(catalog: Mapping[str, Any]) -> Root | None:
    try:
        return _root(_endpoint(catalog, OAUTH2_SERVICE).get("publicURL"))
    except NoEndpoints:
        return None


def _endpoint(catalog: Mapping[str, Any], name: str, version: str | None = None) -> dict[str, Any]:
    services = parse_endpoints(catalog, ep_name=name, ep_version_id=version)
    for service in services:
        for endpoint in service["endpoints"]:
            return dict(endpoint)
    raise NoEndpoints(name, ep_version_id=version)


def _root(url: object) -> Root | None:
    if not isinstance(url, str):
        return None
    try:
        return Root(url, path_in_url(urlsplit(url).path))
    except ValueError:
        return None
