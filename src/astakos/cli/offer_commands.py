"""`astakos catalog` and `astakos resource offered`: list the services and resources of an installation."""

from collections.abc import Mapping
from typing import Any

import click

from astakos.cli.client_options import asking, asks_as_holder, asks_service
from astakos.cli.output import print_rows, table_options


@click.command()
@asks_service
@asks_as_holder
@table_options
def catalog(url: str, token: str, as_json: bool, wide: bool) -> None:
    """List the services in the service catalog, with their URLs."""
    with asking(url) as client:
        services = client.get_endpoints(token)["access"]["serviceCatalog"]
        rows = [_endpoint(service, endpoint) for service in services for endpoint in service["endpoints"]]
    columns = ("service", "type", "region", "version", "url")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("region", "version", "type"))


@click.command()
@asks_service
@table_options
def offered(url: str, as_json: bool, wide: bool) -> None:
    """List the resources that a service offers. Asks it over HTTP, without a token."""
    with asking(url) as client:
        rows = [_resource(name, facts) for name, facts in client.get_resources().items()]
    columns = ("resource", "service", "unit", "scale", "description")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("description", "scale", "unit"))


def _endpoint(service: Mapping[str, Any], endpoint: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "service": service.get("name"),
        "type": service.get("type"),
        "region": endpoint.get("region"),
        "version": endpoint.get("versionId"),
        "url": endpoint.get("publicURL"),
        "ui_url": endpoint.get("SNF:uiURL"),
    }


def _resource(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "resource": name,
        "service": facts.get("service"),
        "unit": facts.get("unit") or None,
        "scale": facts.get("scale"),
        "description": facts.get("description") or None,
    }
