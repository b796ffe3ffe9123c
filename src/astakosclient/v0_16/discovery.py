"""Where the parts of the API are, as the service catalogue says: its roots. No input or output here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from astakosclient.catalog import parse_endpoints
from astakosclient.core.address import DEFAULT_PORTS, path_in_url
from astakosclient.errors import NoEndpoints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astakosclient.core.address import Address

ACCOUNT_SERVICE = "astakos_account"
ACCOUNT_VERSION = "v1.0"
OAUTH2_SERVICE = "astakos_oauth2"
UI_URL = "SNF:uiURL"


@dataclass(frozen=True, slots=True)
class Root:
    """Where one part of the API begins.

    Attributes:
        url: as the catalogue has it.
        prefix: its path without trailing slash, percent-encoded: all of it that a client uses.
    """

    url: str
    prefix: str

    def is_at(self, address: Address) -> bool:
        """Whether the catalogue names the server that the client was given; a bare path is at any."""
        try:
            parts = urlsplit(self.url)
            port = parts.port or DEFAULT_PORTS.get(parts.scheme)
        except ValueError:
            return False
        server = (address.scheme, address.host, address.port)
        return not parts.netloc or (parts.scheme, parts.hostname, port) == server


@dataclass(frozen=True, slots=True)
class Roots:
    """The roots of one service; the catalogue need not name all of them."""

    account: Root
    ui: Root | None = None
    oauth2: Root | None = None

    def strangers(self, address: Address) -> list[str]:
        """Those URLs that name another server than the one at the address."""
        return [root.url for root in (self.account, self.ui, self.oauth2) if root and not root.is_at(address)]


def roots_of(catalogue: Mapping[str, Any]) -> Roots:
    """The roots that a catalogue names.

    Raises:
        NoEndpoints: it does not say where the account service is, without which no call can be made.
    """
    account = _endpoint(catalogue, ACCOUNT_SERVICE, ACCOUNT_VERSION)
    root = _root(account.get("publicURL"))
    if root is None:
        raise NoEndpoints(ACCOUNT_SERVICE, ep_version_id=ACCOUNT_VERSION)
    return Roots(root, _root(account.get(UI_URL)), _oauth2(catalogue))


def _oauth2(catalogue: Mapping[str, Any]) -> Root | None:
    try:
        return _root(_endpoint(catalogue, OAUTH2_SERVICE).get("publicURL"))
    except NoEndpoints:
        return None


def _endpoint(catalogue: Mapping[str, Any], name: str, version: str | None = None) -> dict[str, Any]:
    services = parse_endpoints(catalogue, ep_name=name, ep_version_id=version)
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
