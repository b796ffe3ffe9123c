"""`astakos webhook`: manages the URLs that events are sent to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from astakos import clock
from astakos.administration.state_document import StateError
from astakos.administration.webhooks import (
    OVERLAP_HOURS,
    add_webhook,
    enable_webhook,
    remove_webhook,
    require_key,
    rotate_webhook,
    send_test,
)
from astakos.cli.event_kinds import KIND
from astakos.cli.files import FileName
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts, print_rows, table_options
from astakos.cli.shown_values import moment
from astakos.deliveries.key_file import KeyFileError, read_key
from astakos.events.event import OPERATOR
from astakos.events.webhook_signatures import secret_of, shown_secret
from astakos.storage.tables import deliveries, destinations
from astakos.storage.tables.deliveries import DeliveryState
from astakos.storage.tables.destinations import Destination

F = TypeVar("F", bound=Callable[..., Any])


def key_option(function: F) -> F:
    """Adds `--webhook-key FILE`."""
    return click.option(
        "--webhook-key",
        "key_file",
        type=FileName(),
        envvar="ASTAKOS_WEBHOOK_KEY",
        show_envvar=True,
        required=True,
        help="The file with the key that the secrets of webhooks are derived from: at least 32 random bytes, "
        "for example from `openssl rand -hex 32`. Keep it: without it, no secret can be derived.",
    )(function)


@click.group()
def webhook() -> None:
    """Send events to URLs, signed as Standard Webhooks; docs/notices.md describes them."""


@webhook.command()
@click.argument("url")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=KIND,
    help="Send events of this kind, like project.suspended, or project for all of them. Repeatable.  "
    "[default: the notices]",
)
@key_option
@database_option
@json_option
def add(url: str, kinds: tuple[str, ...], key_file: Path, database_url: str, as_json: bool) -> None:
    """Send what happens from now on to URL, and print the secret that signs it."""
    key, now = _key(key_file), clock.now()
    found = open_database(database_url).change(
        lambda connection: add_webhook(connection, OPERATOR, url, kinds, key, now)
    )
    _print_secret(found, key, as_json=as_json)


@webhook.command()
@click.argument("name")
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 24 * 365),
    default=OVERLAP_HOURS,
    show_default=True,
    help="How long messages are signed with the old secret as well.",
)
@key_option
@database_option
@json_option
def rotate(name: str, overlap_hours: int, key_file: Path, database_url: str, as_json: bool) -> None:
    """Give the webhook NAME a new secret, and print it."""
    key, now = _key(key_file), clock.now()
    found = open_database(database_url).change(
        lambda connection: rotate_webhook(connection, OPERATOR, name, key, overlap_hours, now)
    )
    _print_secret(found, key, as_json=as_json)


@webhook.command()
@click.argument("name")
@key_option
@database_option
@json_option
@click.option(
    "--secret-only", is_flag=True, help="Print nothing but the secret, for a variable of the shell."
)
def secret(name: str, key_file: Path, database_url: str, as_json: bool, secret_only: bool) -> None:
    """Print the secret of the webhook NAME again."""
    from astakos.administration.webhooks import find_webhook  # noqa: PLC0415

    key, reader = _key(key_file), open_database(database_url).reader()
    require_key(reader, key)
    found = find_webhook(reader, name)
    if secret_only:
        click.echo(_secret(found, key))
        return
    _print_secret(found, key, as_json=as_json)


@webhook.command()
@click.argument("name")
@database_option
def remove(name: str, database_url: str) -> None:
    """Remove the webhook NAME with all its deliveries."""
    now = clock.now()
    found = open_database(database_url).change(
        lambda connection: remove_webhook(connection, OPERATOR, name, now)
    )
    click.echo(f"Removed {name}, which sent to {found.url}.")


@webhook.command()
@click.argument("name")
@database_option
def enable(name: str, database_url: str) -> None:
    """Send to the webhook NAME again, which was disabled because its receiver answered 410."""
    now = clock.now()
    found = open_database(database_url).change(
        lambda connection: enable_webhook(connection, OPERATOR, name, now)
    )
    click.echo(f"Enabled {name}, which sends to {found.url}.")


@webhook.command()
@click.argument("name")
@database_option
def test(name: str, database_url: str) -> None:
    """Send a test message (webhook.tested) to the webhook NAME."""
    now = clock.now()
    found = open_database(database_url).change(lambda connection: send_test(connection, OPERATOR, name, now))
    click.echo(
        f"A message for {found.url} waits to be sent; "
        f"`astakos delivery list --destination {name}` shows what becomes of it."
    )


@webhook.command("list")
@database_option
@table_options
def list_(database_url: str, as_json: bool, wide: bool) -> None:
    """List all webhooks, with what is still to be sent to them and what was given up."""
    reader = open_database(database_url).reader()
    counts = deliveries.count(reader)
    rows = [
        {
            "name": known.name,
            "url": known.url,
            "kinds": list(known.kinds) or ["notices"],
            "state": "active" if known.disabled is None else "disabled",
            "pending": counts.get((known.name, DeliveryState.PENDING), 0),
            "dead": counts.get((known.name, DeliveryState.DEAD), 0),
            "attempts": known.attempts,
            "failures": known.failures,
            "created": moment(known.created),
            "overlap_ends": moment(known.overlap_ends),
            "disabled": moment(known.disabled),
        }
        for known in destinations.list_all(reader)
        if known.url is not None
    ]
    columns = ("name", "url", "state", "kinds", "pending", "dead", "attempts", "failures")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("attempts", "failures", "kinds"))
    for row in rows:
        if row["state"] == "disabled" and not as_json:
            click.echo(
                f"{row['name']} is disabled: its receiver answered 410. Once it takes messages again, run "
                f"`astakos webhook enable {row['name']}`."
            )


def _key(file: Path) -> bytes:
    try:
        return read_key(file)
    except KeyFileError as error:
        raise StateError(str(error)) from error


def _print_secret(found: Destination, key: bytes, *, as_json: bool) -> None:
    facts = {"name": found.name, "url": found.url, "secret": _secret(found, key)}
    print_facts(facts, as_json=as_json)


def _secret(found: Destination, key: bytes) -> str:
    return shown_secret(secret_of(key, found.name, found.generation))
