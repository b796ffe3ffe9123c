"""`astakos whoami` and `astakos quota mine`: identify the holder of a token and show their quotas."""

from collections.abc import Mapping
from typing import Any

import click

from astakos.cli.client_options import asking, asks_as_holder, asks_service
from astakos.cli.output import json_option, print_facts, print_rows, table_options
from astakos.cli.shown_values import Amount, Moment
from astakos.clock import MICROSECONDS
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
@table_options
def mine(url: str, token: str, as_json: bool, wide: bool) -> None:
    """Show the limits and usage of the user who holds a token.

    Asks a service over HTTP. Each row is a resource of one project; the project columns cover all members
    together.
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
    columns = ("project", "resource", *FIGURES)
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=LESS_IMPORTANT)


def _figures(figures: Mapping[str, Any], scale: int) -> dict[str, Amount | None]:
    """Return the figures of a quota; those that the service does not have are None."""
    return {name: Amount(figures[name], scale) if name in figures else None for name in FIGURES}
