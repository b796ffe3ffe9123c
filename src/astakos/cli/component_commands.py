"""`astakos component`: manages components, the programs that call with their own token."""

import sys
import time
from collections.abc import Iterable
from typing import Literal

import click

from astakos import clock
from astakos.administration.component_registration import renew_component_token
from astakos.administration.component_removal import (
    TOKENS_ACCEPTED_SECONDS,
    RemovalPreview,
    delete_component,
    preview_removal,
    remove_component,
)
from astakos.administration.component_tokens import (
    DEFAULT,
    LONGEST_OVERLAP,
    REPLACED,
    ends_earlier,
    find_component,
    list_tokens,
    replace_token,
    revoke_token,
)
from astakos.administration.reasons import require_reason
from astakos.administration.state_document import ComponentEntry, ServiceEntry, StateDocument, StateError
from astakos.cli.acting import reason_option
from astakos.cli.built_documents import apply
from astakos.cli.durations import Duration
from astakos.cli.instants import INSTANT
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts, print_rows, table_options, token_only_option
from astakos.cli.shown_values import moment
from astakos.cli.web_urls import WEB_URL
from astakos.directory.charging_rights import ALL
from astakos.directory.entities import Component, Service
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import registry

OWN = "own"


@click.group()
def component() -> None:
    """Add, change, show and list components, and renew their tokens."""


may_charge_option = click.option(
    "--may-charge",
    "may_charge",
    metavar=f"RESOURCE|{OWN}|{ALL}",
    multiple=True,
    help="A resource that the component may charge besides its own; or own, for none; or all. Repeatable.",
)


def _may_charge(given: tuple[str, ...]) -> list[str] | Literal["all"] | None:
    """Returns the right that the options give; None if there are none."""
    if len(given) > 1 and not {OWN, ALL}.isdisjoint(given):
        raise click.UsageError(f"Give --may-charge {OWN} or --may-charge {ALL} alone, or name resources.")
    if not given:
        return None
    if given == (ALL,):
        return ALL
    return [] if given == (OWN,) else list(given)


@component.command()
@click.argument("name")
@click.option("--url", type=WEB_URL, help="The public URL of its service, which becomes its endpoint.")
@click.option("--type", "kind", help="The type of the service.  [default: its name]")
@click.option("--version", default="", help="The API version of the service.")
@click.option("--ui-url", type=WEB_URL, help="The URL of the component's web pages.")
@may_charge_option
@database_option
@json_option
@token_only_option
def add(
    name: str,
    url: str | None,
    kind: str | None,
    version: str,
    ui_url: str | None,
    may_charge: tuple[str, ...],
    database_url: str,
    as_json: bool,
    token_only: bool,
) -> None:
    """Add a component with a service of the same name, and print its token, which is not shown again.

    It may charge the resources of its own services, unless --may-charge says more.
    """
    right = _may_charge(may_charge)
    database = open_database(database_url)
    if registry.find_component(database.reader(), name) is not None:
        raise StateError(
            f"the component {name!r} already exists; for a new token, run `astakos component token`"
        )
    endpoints = [_endpoint(url, version)] if url else []
    document = StateDocument(
        components=[
            ComponentEntry(name=name, ui_url=ui_url, base_url=url, may_charge=[] if right is None else right)
        ],
        services=[ServiceEntry(name=name, type=kind or name, component=name, endpoints=endpoints)],
    )
    apply(database, document)
    _renew_token(database, name, as_json=as_json, token_only=token_only)


@component.command("set")
@click.argument("name")
@click.option("--url", type=WEB_URL, help="The public URL of its service, which becomes its only endpoint.")
@click.option("--version", default="", help="The API version at that URL.")
@click.option("--service", help="The service to change.  [default: the component's only service]")
@click.option("--ui-url", type=WEB_URL, help="The URL of the component's web pages.")
@may_charge_option
@database_option
def set_(
    name: str,
    url: str | None,
    version: str,
    service: str | None,
    ui_url: str | None,
    may_charge: tuple[str, ...],
    database_url: str,
) -> None:
    """Set URLs of the component NAME, and what it may charge. Its token stays as it is.

    --may-charge replaces what the component was given before: name all resources that it may charge besides
    its own.
    """
    right = _may_charge(may_charge)
    if url is None and ui_url is None and right is None:
        raise click.UsageError("Give --url, --ui-url or --may-charge.")
    database = open_database(database_url)
    reader = database.reader()
    known = find_component(reader, name)
    entry = ComponentEntry(
        name=name,
        ui_url=ui_url or known.ui_url,
        base_url=url or known.base_url,
        menu=dict(known.menu),
        may_charge=right,
    )
    document = StateDocument(components=[entry])
    if url is not None:
        offered = _service(registry.list_services(reader), name, service)
        document.services = [
            ServiceEntry(
                name=offered.name, type=offered.type, component=name, endpoints=[_endpoint(url, version)]
            )
        ]
    before = _settings(reader, name)
    apply(database, document)
    if _settings(database.reader(), name) == before:
        click.echo(f"{name} is like that already. Nothing has changed.")
    else:
        click.echo(f"Changed {name}.")
    if right is not None:
        click.echo(f"It may charge {_charges(find_component(database.reader(), name))}.")


component.add_command(set_, "update")


@component.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@reason_option
@database_option
def remove(name: str, yes: bool, reason: str, database_url: str) -> None:
    """Remove the component NAME: end its tokens, and take its services out of the catalog.

    Its resources are hidden from users; limits, usage and history stay. A component without resources and
    history is deleted altogether. Refused while commissions of it are pending.
    """
    require_reason(reason)
    database, now = open_database(database_url), clock.now()
    if not yes:
        _confirm_removal(name, preview_removal(database.reader(), name))
    done = database.change(lambda connection: remove_component(connection, OPERATOR, name, reason, now))
    is_deleted = done.is_deleted
    if is_deleted:
        time.sleep(TOKENS_ACCEPTED_SECONDS)
        is_deleted = database.change(lambda connection: delete_component(connection, name))
    stays = "" if is_deleted else " It stays listed, without tokens, because of its resources or history."
    click.echo(f"Removed {name}.{stays}")


def _confirm_removal(name: str, preview: RemovalPreview) -> None:
    for title, names in (("services", preview.services), ("resources", preview.resources)):
        click.echo(f"{name} has these {title}: {', '.join(names) or 'none'}.")
    if not sys.stdin.isatty():
        raise StateError("nobody can confirm this here; give --yes")
    click.confirm("End all its tokens, and remove it?", abort=True)


@component.command()
@click.argument("name")
@database_option
@json_option
def show(name: str, database_url: str, as_json: bool) -> None:
    """Show the component NAME: its URLs, services and resources, and which resources it may charge."""
    reader = open_database(database_url).reader()
    known = find_component(reader, name)
    facts: dict[str, object] = {
        "name": known.name,
        "services": [
            service.name for service in registry.list_services(reader) if service.component.name == name
        ],
        "resources": sorted(registry.resources_of(reader, known.id)),
    }
    if as_json:
        facts["may_charge"] = known.may_charge
    else:
        facts["charges"], facts["reconciles"] = _charges(known), _reconciles(known)
    facts |= {
        "base_url": known.base_url,
        "ui_url": known.ui_url,
        "token_created": moment(known.token_created),
        "token_expires": moment(known.token_expires),
    }
    print_facts(facts, as_json=as_json)


def _settings(reader: Connection, name: str) -> tuple[object, ...]:
    """Returns what can be set of a component: its own properties, and its services."""
    services = [one for one in registry.list_services(reader) if one.component.name == name]
    return find_component(reader, name), services


def _charges(component: Component) -> str:
    """Says which resources a component may charge."""
    return "all resources" if component.may_charge is None else _reconciles(component)


def _reconciles(component: Component) -> str:
    """Says which resources a component may reconcile."""
    if component.may_charge == ALL:
        return "all resources"
    return ", ".join(("its own resources", *(component.may_charge or ())))


def _service(services: Iterable[Service], component: str, name: str | None) -> Service:
    """Returns the service of a component with a name, or its only one."""
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
@click.option(
    "--name",
    "token_name",
    default=DEFAULT,
    help="Replace the token with this name, or add one, and leave the others as they are.",
)
@click.option("--expires", type=INSTANT, help="When the new token ends.  [default: never]")
@click.option(
    "--overlap",
    type=Duration(LONGEST_OVERLAP),
    default="0",
    show_default=True,
    help="For how long the replaced token is still valid, for example 24h.",
)
@click.option("--yes", is_flag=True, help="Do so even if a token ends that was to overlap until later.")
@database_option
@json_option
@token_only_option
def token(
    name: str,
    token_name: str,
    expires: int | None,
    overlap: int,
    yes: bool,
    database_url: str,
    as_json: bool,
    token_only: bool,
) -> None:
    """Replace the token of the component NAME, and print the new one, which is not shown again.

    The old token stops working, at once or after the overlap. During the overlap, no further one is made with
    an overlap, unless with --yes: the oldest token would end. With --name, the component has one more token.
    """
    now = clock.now()

    def replace(connection: Connection) -> str:
        if overlap and not yes:
            _refuse_to_end_earlier(connection, name, token_name, now)
        return replace_token(
            connection, OPERATOR, name, now, name=token_name, expires=expires, overlap=overlap
        )

    secret = open_database(database_url).change(replace)
    _print_token(name, secret, as_json=as_json, token_only=token_only)


def _refuse_to_end_earlier(connection: Connection, name: str, token_name: str, now: int) -> None:
    replaced = token_name + REPLACED
    if ends_earlier(list_tokens(connection, find_component(connection, name)), token_name, now):
        raise StateError(
            f"the token {replaced} of {name} is still valid and would end now; give programs the present one "
            f"first, or, if nobody has it, revoke it: `astakos component revoke-token {name} {token_name}`; "
            f"{replaced} then stays valid; to make another one all the same, give --yes"
        )


@component.command()
@click.argument("name")
@database_option
@table_options
def tokens(name: str, database_url: str, as_json: bool, wide: bool) -> None:
    """List the tokens of the component NAME, by their names."""
    reader, now = open_database(database_url).reader(), clock.now()
    rows = [
        {
            "name": one.name,
            "state": "expired" if one.expires is not None and one.expires < now else "valid",
            "created": moment(one.created),
            "expires": moment(one.expires),
        }
        for one in list_tokens(reader, find_component(reader, name))
    ]
    print_rows(rows, ("name", "state", "created", "expires"), as_json=as_json, wide=wide)


@component.command("revoke-token")
@click.argument("name")
@click.argument("token_name", metavar="TOKEN")
@database_option
def revoke(name: str, token_name: str, database_url: str) -> None:
    """End a token of the component NAME. `tokens` lists their names."""
    now = clock.now()
    open_database(database_url).change(
        lambda connection: revoke_token(connection, OPERATOR, name, token_name, now)
    )
    click.echo(f"Revoked the token {token_name} of {name}.")


def _renew_token(database: Database, name: str, *, as_json: bool, token_only: bool) -> None:
    now = clock.now()
    secret = database.change(lambda connection: renew_component_token(connection, OPERATOR, name, now))
    _print_token(name, secret, as_json=as_json, token_only=token_only)


def _print_token(name: str, secret: str, *, as_json: bool, token_only: bool) -> None:
    if token_only:
        click.echo(secret)
    else:
        print_facts({"name": name, "token": secret}, as_json=as_json)
