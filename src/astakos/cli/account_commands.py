"""`astakos whoami` and `astakos quotas`: what a service knows of the holder of a token."""

from datetime import UTC, datetime

import click

from astakos.cli.client_options import asking, asks_as_holder, asks_service
from astakos.cli.output import json_option, print_facts, print_rows
from astakosclient.middleware.inquiries import ask
from astakosclient.middleware.verdicts import Inquiry

UNLIMITED = 2**63 - 1
"""As the API has it; the ledger's own constant is not there where only the client's side is installed."""

LIMITS = ("limit", "project_limit")
FIGURES = ("usage", "pending", "limit", "project_usage", "project_pending", "project_limit")


@click.command()
@asks_service
@asks_as_holder
@json_option
def whoami(url: str, token: str, as_json: bool) -> None:
    """Say who holds a token, as the service at URL knows them."""
    with asking(url) as client:
        known = ask(client, Inquiry().identify(), token)
    expires = None if known.expires is None else datetime.fromtimestamp(known.expires, UTC).isoformat()
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
@json_option
def quotas(url: str, token: str, as_json: bool) -> None:
    """Show what the holder of a token may have and has, from each project.

    The columns of the project are for all its members together. (`astakos quota` is for administrators.)
    """
    with asking(url) as client:
        rows = [
            {"project": project, "resource": resource} | {name: figures.get(name) for name in FIGURES}
            for project, resources in client.get_quotas(token).items()
            for resource, figures in resources.items()
        ]
    if not as_json:
        rows = [row | {name: "unlimited" for name in LIMITS if row[name] == UNLIMITED} for row in rows]
    print_rows(rows, ("project", "resource", *FIGURES), as_json=as_json)
