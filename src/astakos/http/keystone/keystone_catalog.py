"""The service catalog in the form of version 3 of OpenStack's identity API."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from astakos.directory.service_catalog import REGION

IDENTITY_SERVICE = "astakos_identity"
INTERFACES = ("public", "internal", "admin")


def keystone_catalog(services: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Converts the catalog of version 2.

    Each endpoint appears once for each interface. If a service has registered no `internalURL` or `adminURL`,
    its `publicURL` stands in, so that clients that ask for these interfaces find the service.

    Args:
        services: Services as `astakos.directory.service_catalog.service_catalog` returns them.
    """
    return [
        {
            "id": _identifier(service["name"]),
            "name": service["name"],
            "type": service["type"],
            "endpoints": [
                _endpoint(service["name"], place, endpoint, interface)
                for place, endpoint in enumerate(service["endpoints"])
                for interface in INTERFACES
                if endpoint.get("publicURL")
            ],
        }
        for service in services
    ]


def _endpoint(service: str, place: int, endpoint: Mapping[str, Any], interface: str) -> dict[str, Any]:
    url = endpoint.get(f"{interface}URL") or endpoint["publicURL"]
    if service == IDENTITY_SERVICE and endpoint.get("versionId") == "v2.0":
        # Clients that read this catalog speak version 3.
        url = url.removesuffix("/").removesuffix("v2.0") + "v3"
    return {
        "id": _identifier(service, str(place), interface),
        "interface": interface,
        "region": REGION,
        "region_id": REGION,
        "url": url,
    }


def _identifier(*names: str) -> str:
    """Returns the same ID for the same names in every process."""
    return hashlib.sha256("\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()[:32]
