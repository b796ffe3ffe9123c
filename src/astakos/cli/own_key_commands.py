"""`astakos key mine`, `make` and `end`: what users do with their own keys, over HTTP."""

from typing import Any

import click

from astakos.cli.client_options import asking, asks_as_holder, asks_service
from astakos.cli.given_limits import GivenLimit, limit_option, limits_in_units
from astakos.cli.instants import INSTANT
from astakos.cli.output import json_option, print_facts, print_rows, table_options
from astakos.cli.shown_values import Amount
from astakos.clock import to_iso

ALL, NONE = "all", "none"
LIMITS = ("services", "calls", "networks", "project")


@click.command()
@asks_service
@asks_as_holder
@table_options
def mine(url: str, token: str, as_json: bool, wide: bool) -> None:
    """List the keys of the user who holds a token.

    Asks a service over HTTP.
    """
    with asking(url) as client:
        rows = [dict(key) for key in client.get_keys(token)]
    columns = ("prefix", "name", "state", "expires", "last_used", "project")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("project", "last_used", "expires"))


@click.command()
@click.option("--name", required=True, help="What the key is for.")
@click.option("--expires", type=INSTANT, help="When it ends.  [default: never]")
@click.option("--service", "services", multiple=True, help="A service that accepts it. Repeatable.")
@click.option("--call", "calls", multiple=True, help="An area or call of the API. Repeatable.")
@click.option("--network", "networks", multiple=True, help="A network or address. Repeatable.")
@click.option("--project", help="The UUID of the only project that it may draw from.")
@limit_option("A resource or meter, and how much of it may be charged with the key, in its unit. Repeatable.")
@click.option("--key-only", is_flag=True, help="Print nothing but the key, for a variable of the shell.")
@asks_service
@asks_as_holder
@json_option
def make(
    name: str,
    expires: int | None,
    services: tuple[str, ...],
    calls: tuple[str, ...],
    networks: tuple[str, ...],
    project: str | None,
    given: tuple[GivenLimit, ...],
    key_only: bool,
    url: str,
    token: str,
    as_json: bool,
) -> None:
    """Make a key of the user who holds a token, and print it. It is not shown again.

    Asks a service over HTTP. Without options, the key is for all services, calls, networks and projects.
    """
    if not name.strip():
        raise click.BadParameter("it must not be empty", param_hint="--name")
    with asking(url) as client:
        offered = client.get_resources() if given else {}
        scales = {resource: facts.get("scale", 0) for resource, facts in offered.items()}
        made = client.create_key(
            token,
            name,
            expires=None if expires is None else to_iso(expires),
            services=services or None,
            calls=calls or None,
            networks=networks or None,
            project=project,
            limits=limits_in_units(given, scales) or None,
        )
    if key_only:
        click.echo(made["key"])
        return
    facts: dict[str, Any] = {"key": made["key"], **made}
    if not as_json:
        for limit in LIMITS:
            facts[limit] = ALL if facts[limit] is None else facts[limit] or NONE
        facts["limits"] = [
            f"{resource}={Amount(most, scales.get(resource, 0))}" for resource, most in made["limits"].items()
        ] or NONE
    print_facts(facts, as_json=as_json)


@click.command()
@click.argument("prefix")
@asks_service
@asks_as_holder
def end(prefix: str, url: str, token: str) -> None:
    """Revoke the key PREFIX of the user who holds a token.

    Asks a service over HTTP.
    """
    with asking(url) as client:
        client.revoke_key(token, prefix)
    click.echo(f"Revoked {prefix}.")
