"""Reading a service catalogue."""

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
    """The services of a catalogue that meet all the criteria given, each with only the endpoints that do.

    Args:
        endpoints: what `AstakosClient.get_endpoints` returned; it is left as it is.
        ep_name: the name of the service, such as ``astakos_account``.
        ep_type: the type of the service, such as ``account``.
        ep_region: the region of the endpoint.
        ep_version_id: the version of the endpoint, such as ``v1.0``.

    Raises:
        NoEndpoints: nothing meets the criteria, or this is not a catalogue.

    Example:
        >>> catalogue = {"access": {"serviceCatalog": [
        ...     {"name": "astakos_account", "type": "account",
        ...      "endpoints": [{"versionId": "v1.0", "publicURL": "https://accounts.example.com/v1.0"}]}]}}
        >>> [service] = parse_endpoints(catalogue, ep_type="account", ep_version_id="v1.0")
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
