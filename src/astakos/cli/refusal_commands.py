"""`astakos quota refusals`: what a service has refused lately, asked over HTTP."""

from datetime import datetime

import click

from astakos.cli.client_options import asking, asks_as_holder, asks_service
from astakos.cli.output import print_rows, table_options
from astakos.cli.shown_values import Amount, Moment

COLUMNS = ("time", "component", "charged", "resource", "level", "requested", "available", "limit")
AMOUNTS = ("requested", "available", "limit")
LESS_IMPORTANT = ("level", "component", "limit")


@click.command()
@click.option(
    "--service",
    "is_service",
    is_flag=True,
    help="The token is a component's: show what was refused of its resources, to all users.",
)
@click.option("--user", "users", metavar="UUID", multiple=True, help="With --service, only to this user.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many to show."
)
@asks_service
@asks_as_holder
@table_options
def refusals(
    is_service: bool, users: tuple[str, ...], limit: int, url: str, token: str, as_json: bool, wide: bool
) -> None:
    """Show what was refused lately to the holder of the token, for want of room, the newest first.

    Only the service that answers is asked, and it knows only what it has refused since it started.
    """
    if users and not is_service:
        raise click.UsageError("--user is for --service: a user sees their own refusals.")
    with asking(url) as client:
        if is_service:
            found = client.service_get_refusals(token, users or None, limit=limit)
        else:
            found = client.get_refusals(token, limit=limit)
        scales = {name: one.get("scale", 0) for name, one in client.get_resources().items()} if found else {}
    rows = [
        {
            **one,
            "time": Moment(_instant(one["time"])),
            "requested": Amount(one["requested"], scales.get(one["resource"], 0)),
            "available": Amount(one["available"], scales.get(one["resource"], 0)),
            "limit": Amount(one["limit"], scales.get(one["resource"], 0)),
        }
        for one in found
    ]
    print_rows(rows, COLUMNS, as_json=as_json, wide=wide, droppable=LESS_IMPORTANT)


def _instant(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)
