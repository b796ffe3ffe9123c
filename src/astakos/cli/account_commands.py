"""`astakos whoami` and `astakos quota mine`: identify the holder of a token and show their quotas."""

import click

from astakos.cli.client_options import asking, asks_as_holder, asks_service
from astakos.cli.output import json_option, print_facts, print_rows, table_options
from astakos.cli.shown_values import Moment
from astakos.clock import MICROSECONDS
from astakosclient.middleware.inquiries import ask
from astakosclient.middleware.verdicts import Inquiry

UNLIMITED = 2**63 - 1
"""The API's value for "no limit". The ledger's constant is missing where only the client is installed."""

LIMITS = ("limit", "project_limit")
LESS_IMPORTANT = ("project_pending", "project_usage", "project_limit", "pending")
FIGURES = ("usage", "pending", "limit", "project_usage", "project_pending", "project_limit")


@click.command()
@asks_service
@asks_as_holder
@json_option
def whoami(url: str, token: str, as_json: bool) -> None:
    """Show the user who holds a token."""
    with asking(url) as client:
        known = ask(client, Inquiry().identify(), token)
    expires = None if known.expires is None else Moment(round(known.expires * MICROSECONDS))
    facts = {
        "uuid": known.uuid,
        "username": known.username or None,
        "name": known.name or None,
        "roles": list(known.roles),
        "token_expires": expires,
    }
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
        rows = [
            {"project": project, "resource": resource} | {name: figures.get(name) for name in FIGURES}
            for project, resources in client.get_quotas(token).items()
            for resource, figures in resources.items()
        ]
    if not as_json:
        rows = [row | {name: "unlimited" for name in LIMITS if row[name] == UNLIMITED} for row in rows]
    columns = ("project", "resource", *FIGURES)
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=LESS_IMPORTANT)
