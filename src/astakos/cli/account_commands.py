"""`astakos whoami` and `astakos quota mine`: identify the holder of a token and show their quotas."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from astakos.cli.client_options import asking, asks_as_holder, asks_service
from astakos.cli.output import json_option, print_facts, print_rows, table_options
from astakos.cli.shown_values import Amount, Moment
from astakos.clock import MICROSECONDS, from_iso
from astakosclient.middleware.inquiries import ask
from astakosclient.middleware.verdicts import Inquiry

LESS_IMPORTANT = ("project_pending", "project_usage", "project_limit", "pending")
FIGURES = ("usage", "pending", "limit", "project_usage", "project_pending", "project_limit")


@click.command()
@asks_service
@asks_as_holder
@json_option
def whoami(url: str, token: str, as_json: bool) -> None:
    """Show the user who holds a token."""
    with asking(url) as client:
        known = ask(client, Inquiry().identify(token))
    expires = None if known.expires is None else Moment(round(known.expires * MICROSECONDS))
    facts: dict[str, Any] = {
        "uuid": known.uuid,
        "username": known.username or None,
        "name": known.name or None,
        "roles": list(known.roles),
        "token_expires": expires,
    }
    if known.key is not None:
        facts["key"] = known.key
    print_facts(facts, as_json=as_json)


@click.command()
@asks_service
@asks_as_holder
@click.option("--all", "with_ended", is_flag=True, help="Show projects with nothing but zeros, too.")
@table_options
def mine(url: str, token: str, with_ended: bool, as_json: bool, wide: bool) -> None:
    """Show the limits and usage of the user who holds a token.

    Asks a service over HTTP. Each row is a resource of one project; the project columns cover all members
    together, `granted` is what is left of grants. Projects in which the user has nothing but
    zeros, such as those that have ended, are shown with --all or --json.
    """
    with asking(url) as client:
        quotas = client.get_quotas(token)
        # For people alone: programs get quantities, and can do without another request.
        offered = {} if as_json else client.get_resources()
        scales = {name: facts.get("scale", 0) for name, facts in offered.items()}
        rows = [
            {"project": project, "resource": resource} | _figures(figures, scales.get(resource, 0))
            for project, resources in quotas.items()
            for resource, figures in resources.items()
        ]
    more = [name for name in ("resets", "granted") if any(row.get(name) for row in rows)]
    columns = ("project", "resource", *FIGURES, *more)
    if as_json:
        print_rows(rows, columns, as_json=True, wide=wide)
        return
    in_use = {row["project"] for row in rows if with_ended or any(_own_quantities(row))}
    kept = [dict.fromkeys(columns) | row for row in rows if row["project"] in in_use]
    print_rows(kept, columns, as_json=False, wide=wide, droppable=LESS_IMPORTANT)
    empty = len({row["project"] for row in rows} - in_use)
    if empty:
        click.secho(f"(not shown: projects with nothing but zeros: {empty}; use --all)", dim=True)


def _figures(figures: Mapping[str, Any], scale: int) -> dict[str, Any]:
    """Returns the figures of a quota; those that the service does not have are None or missing."""
    found: dict[str, Any] = {
        name: Amount(figures[name], scale) if name in figures else None for name in FIGURES
    }
    if figures.get("resets"):
        found["resets"] = Moment(from_iso(figures["resets"]))
    if figures.get("grants"):
        found["granted"] = Amount(sum(grant["left"] for grant in figures["grants"]), scale)
    return found


def _own_quantities(row: Mapping[str, Any]) -> Iterator[int]:
    """Returns what a user has in a project, without what its members have together."""
    for name in ("usage", "pending", "limit", "granted"):
        amount: Amount | None = row.get(name)
        if amount is not None:
            yield amount.quantity
