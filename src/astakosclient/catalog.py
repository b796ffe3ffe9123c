"""Searches a service catalog for endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient.errors import NoEndpoints

if TYPE_CHECKING:
    from collections.abc import Mapping


def parse_endpoints(
    endpoints: Mapping[str, Any],
    ep_name: str | None = None,
    ep_type: str | None = None,
    ep_region: str | None = None,
    ep_version_id: str | None = None,
) -> list[dict[str, Any]]:
    """Returns the services that match all given criteria, each with its matching endpoints only.

    Args:
        endpoints: the result of `AstakosClient.get_endpoints`; not modified.
        ep_name: service name, for example ``astakos_account``.
        ep_type: service type, for example ``account``.
        ep_region: endpoint region, for example ``default``.
        ep_version_id: endpoint version, for example ``v1.0``.

    Returns:
        Copies of the matching entries of ``serviceCatalog``, never an empty list.

    Raises:
        NoEndpoints: nothing matches, or ``endpoints`` is not a service catalog.

    Example:
        >>> catalog = {"access": {"serviceCatalog": [
        ...     {"name": "astakos_account", "type": "account",
        ...      "endpoints": [{"versionId": "v1.0", "publicURL": "https://accounts.example.com/v1.0"}]}]}}
        >>> [service] = parse_endpoints(catalog, ep_type="account", ep_version_id="v1.0")
        >>> service["endpoints"][0]["publicURL"]
        'https://accounts.example.com/v1.0'
    """
    of_service = _given(name=ep_name, type=ep_type)
    of_endpoint = _given(region=ep_region, versionId=ep_version_id)
    try:
        services = [
            {
                **service,
                "endpoints": [dict(item) for item in service["endpoints"] if _meets(item, of_endpoint)],
            }
            for service in endpoints["access"]["serviceCatalog"]
            if _meets(service, of_service)
        ]
    except (KeyError, TypeError, ValueError):
        raise NoEndpoints(ep_name, ep_type, ep_region, ep_version_id) from None
    if of_endpoint:
        services = [service for service in services if service["endpoints"]]
    if not services:
        raise NoEndpoints(ep_name, ep_type, ep_region, ep_version_id)
    return services


def _given(**criteria: str | None) -> dict[str, str]:
    return {key: value for key, value in criteria.items() if value is not None}


def _meets(item: dict[str, Any], criteria: dict[str, str]) -> bool:
    return all(item[key] == value for key, value in criteria.items())
