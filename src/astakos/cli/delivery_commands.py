"""`astakos delivery`: shows what was sent to whom, and repeats what was given up."""

from typing import Any

import click

from astakos import clock
from astakos.administration.state_document import StateError
from astakos.administration.webhooks import retry_dead_deliveries, retry_delivery
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts, print_rows, table_options
from astakos.cli.shown_values import Moment
from astakos.cli.whole_numbers import ROW_NUMBER, ROWS
from astakos.events.documents import document_of
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection
from astakos.storage.tables import deliveries, destinations, events
from astakos.storage.tables.deliveries import Delivery, DeliveryState


@click.group()
def delivery() -> None:
    """Show what was sent to whom, and repeat what was given up."""


@delivery.command("list")
@click.option(
    "--state", type=click.Choice([state.value for state in DeliveryState]), help="Only in this state."
)
@click.option("--destination", help="Only to this destination: mail, members, log, or the name of a webhook.")
@click.option(
    "--limit",
    type=ROWS,
    default=100,
    show_default=True,
    help="The maximum number.",
)
@database_option
@table_options
def list_(
    state: str | None, destination: str | None, limit: int, database_url: str, as_json: bool, wide: bool
) -> None:
    """List deliveries, newest first."""
    reader = open_database(database_url).reader()
    _require_destination(reader, destination)
    wanted = None if state is None else DeliveryState(state)
    found = deliveries.list_newest(reader, limit, state=wanted, destination=destination)
    rows = [_facts(reader, one) for one in found]
    columns = ("id", "kind", "destination", "recipient", "state", "attempts", "due", "error")
    droppable = ("due", "recipient", "attempts", "error")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=droppable)


@delivery.command()
@click.argument("identifier", metavar="ID", type=ROW_NUMBER)
@database_option
@json_option
def show(identifier: int, database_url: str, as_json: bool) -> None:
    """Show the delivery ID with its event."""
    reader = open_database(database_url).reader()
    found = deliveries.find(reader, identifier)
    if found is None:
        raise StateError(f"there is no delivery {identifier}")
    (recorded,) = events.read(reader, events.Wanted(after=found.event - 1), 1)
    event = document_of(recorded) | {"time": Moment(recorded.time)}
    facts = _facts(reader, found)
    print_facts(facts | ({"event": event} if as_json else event | facts), as_json=as_json)


@delivery.command()
@click.argument("identifiers", metavar="[ID]...", type=ROW_NUMBER, nargs=-1)
@click.option("--dead", is_flag=True, help="Repeat all that were given up.")
@click.option("--destination", help="With --dead: only those to this destination.")
@database_option
def retry(identifiers: tuple[int, ...], dead: bool, destination: str | None, database_url: str) -> None:
    """Repeat dead deliveries: those with these IDs, or all of them with --dead."""
    if bool(identifiers) == dead or (destination is not None and not dead):
        raise click.UsageError("Give IDs, or --dead, which can have a --destination.")
    now = clock.now()

    def change(connection: Connection) -> int:
        if dead:
            _require_destination(connection, destination)
            return retry_dead_deliveries(connection, OPERATOR, destination, now)
        return len([retry_delivery(connection, OPERATOR, one, now) for one in identifiers])

    number = open_database(database_url).change(change)
    click.echo(f"{number} {'delivery' if number == 1 else 'deliveries'} will be tried again.")


def _require_destination(connection: Connection, name: str | None) -> None:
    if name is not None and destinations.find(connection, name) is None:
        known = ", ".join(one.name for one in destinations.list_all(connection)) or "none yet"
        raise StateError(f"there is no destination {name!r}; there are: {known}")


def _facts(reader: Connection, found: Delivery) -> dict[str, Any]:
    (recorded,) = events.read(reader, events.Wanted(after=found.event - 1), 1)
    return {
        "id": found.id,
        "kind": recorded.event.kind,
        "event": found.event,
        "destination": found.destination,
        "recipient": found.recipient or None,
        "state": found.state.value,
        "attempts": found.attempts,
        "due": Moment(found.due) if found.state is DeliveryState.PENDING else None,
        "changed": Moment(found.changed),
        "error": found.error,
    }
