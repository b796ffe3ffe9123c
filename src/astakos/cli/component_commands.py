"""`astakos component`: manages components, the programs that call with their own token."""

from collections.abc import Iterable

import click

from astakos import clock
from astakos.administration.component_registration import renew_component_token
from astakos.administration.load import load
from astakos.administration.state_document import ComponentEntry, ServiceEntry, StateDocument, StateError
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts, print_rows, table_options, token_only_option
from astakos.cli.shown_values import moment
from astakos.cli.web_urls import WEB_URL
from astakos.directory.entities import Service
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Database
from astakos.storage.tables import registry


@click.group()
def component() -> None:
    """Add, change and list components, and renew their tokens."""


@component.command()
@click.argument("name")
@click.option("--url", type=WEB_URL, help="The public URL of its service, which becomes its endpoint.")
@click.option("--type", "kind", help="The type of the service.  [default: its name]")
@click.option("--version", default="", help="The API version of the service.")
@click.option("--ui-url", type=WEB_URL, help="The URL of the component's web pages.")
@database_option
@json_option
@token_only_option
def add(
    name: str,
    url: str | None,
    kind: str | None,
    version: str,
    ui_url: str | None,
    database_url: str,
    as_json: bool,
    token_only: bool,
) -> None:
    """Add a component with a service of the same name, and print its token, which is not shown again."""
    database = open_database(database_url)
    if registry.find_component(database.reader(), name) is not None:
        raise StateError(
            f"the component {name!r} already exists; for a new token, run `astakos component token`"
        )
    endpoints = [_endpoint(url, version)] if url else []
    document = StateDocument(
        components=[ComponentEntry(name=name, ui_url=ui_url, base_url=url)],
        services=[ServiceEntry(name=name, type=kind or name, component=name, endpoints=endpoints)],
    )
    load(database, document, clock.now())
    _renew_token(database, name, as_json=as_json, token_only=token_only)


@component.command("set")
@click.argument("name")
@click.option("--url", type=WEB_URL, help="The public URL of its service, which becomes its only endpoint.")
@click.option("--version", default="", help="The API version at that URL.")
@click.option("--service", help="The service to change.  [default: the component's only service]")
@click.option("--ui-url", type=WEB_URL, help="The URL of the component's web pages.")
@database_option
def set_(
    name: str, url: str | None, version: str, service: str | None, ui_url: str | None, database_url: str
) -> None:
    """Set URLs of the component NAME. Its token stays as it is."""
    if url is None and ui_url is None:
        raise click.UsageError("Give --url or --ui-url.")
    database = open_database(database_url)
    reader = database.reader()
    known = registry.find_component(reader, name)
    if known is None:
        raise StateError(f"there is no component {name!r}")
    entry = ComponentEntry(
        name=name,
        ui_url=ui_url or known.ui_url,
        base_url=url or known.base_url,
        menu=dict(known.menu),
    )
    document = StateDocument(components=[entry])
    if url is not None:
        offered = _service(registry.list_services(reader), name, service)
        document.services = [
            ServiceEntry(
                name=offered.name, type=offered.type, component=name, endpoints=[_endpoint(url, version)]
            )
        ]
    load(database, document, clock.now())
    click.echo(f"Changed {name}.")


def _service(services: Iterable[Service], component: str, name: str | None) -> Service:
    """Return the service of a component with a name, or its only one."""
    found = [service for service in services if service.component.name == component]
    wanted = [service for service in found if name in (None, service.name)]
    if len(wanted) == 1:
        return wanted[0]
    names = ", ".join(service.name for service in found) or "none"
    raise StateError(f"name one service of {component} with --service; it has: {names}")


def _endpoint(url: str, version: str) -> dict[str, str]:
    return {"versionId": version, "publicURL": url.rstrip("/")}


@component.command("list")
@database_option
@table_options
def list_(database_url: str, as_json: bool, wide: bool) -> None:
    """List all components with their services."""
    reader = open_database(database_url).reader()
    services: dict[str, list[str]] = {}
    for service in registry.list_services(reader):
        services.setdefault(service.component.name, []).append(service.name)
    rows = [
        {
            "name": known.name,
            "services": services.get(known.name, []),
            "ui_url": known.ui_url,
            "token_created": moment(known.token_created),
        }
        for known in registry.list_components(reader)
    ]
    columns = ("name", "services", "ui_url", "token_created")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("token_created", "ui_url"))


@component.command()
@click.argument("name")
@database_option
@json_option
@token_only_option
def token(name: str, database_url: str, as_json: bool, token_only: bool) -> None:
    """Replace the token of the component NAME, and print the new one, which is not shown again.

    The old token stops working.
    """
    _renew_token(open_database(database_url), name, as_json=as_json, token_only=token_only)


def _renew_token(database: Database, name: str, *, as_json: bool, token_only: bool) -> None:
    now = clock.now()
    secret = database.change(lambda connection: renew_component_token(connection, OPERATOR, name, now))
    if token_only:
        click.echo(secret)
    else:
        print_facts({"name": name, "token": secret}, as_json=as_json)
