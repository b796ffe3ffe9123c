"""`astakos commission`: what is pending, and ending it by hand."""

from typing import Any

import click

from astakos import clock
from astakos.administration.commissions import resolve
from astakos.administration.document import StateError
from astakos.cli.options import database_option, json_option, open_database
from astakos.cli.output import print_facts, print_rows
from astakos.clock import MICROSECONDS, to_iso
from astakos.ledger.operations import Verdict
from astakos.storage import ledger, registry
from astakos.storage.database import Connection


@click.group()
def commission() -> None:
    """List pending commissions and end them by hand."""


@commission.command("list")
@click.option("--component", help="Only those of this component.")
@database_option
@json_option
def list_(component: str | None, database_url: str, as_json: bool) -> None:
    """List pending commissions, the oldest first."""
    reader = open_database(database_url).reader()
    if component is not None and registry.find_component(reader, component) is None:
        raise StateError(f"there is no component {component!r}")
    rows = [
        _facts(reader, known.id, known.name, serial)
        for known in registry.list_components(reader)
        if component in (None, known.name)
        for serial in ledger.list_pending(reader, known.id)
    ]
    rows.sort(key=lambda row: row["serial"])
    print_rows(rows, ("serial", "component", "name", "issue_time", "age_seconds"), as_json=as_json)


@commission.command()
@click.argument("serial", type=int)
@database_option
@json_option
def show(serial: int, database_url: str, as_json: bool) -> None:
    """Show a pending commission with its provisions."""
    reader = open_database(database_url).reader()
    for known in registry.list_components(reader):
        if ledger.find_commission(reader, known.id, serial) is not None:
            facts = _facts(reader, known.id, known.name, serial)
            provisions = facts.pop("provisions")
            if as_json:
                print_facts(facts | {"provisions": provisions}, as_json=True)
                return
            print_facts(facts, as_json=False)
            click.echo()
            print_rows(provisions, ("holder", "source", "resource", "quantity"), as_json=False)
            return
    raise StateError(f"no commission {serial} is pending")


@commission.command()
@click.argument("serial", type=int)
@database_option
def accept(serial: int, database_url: str) -> None:
    """Accept a pending commission in place of its component."""
    resolve(open_database(database_url), serial, Verdict.ACCEPT, clock.now())
    click.echo(f"Accepted {serial}.")


@commission.command()
@click.argument("serial", type=int)
@database_option
def reject(serial: int, database_url: str) -> None:
    """Reject a pending commission in place of its component."""
    resolve(open_database(database_url), serial, Verdict.REJECT, clock.now())
    click.echo(f"Rejected {serial}.")


def _facts(reader: Connection, component: int, name: str, serial: int) -> dict[str, Any]:
    found = ledger.find_commission(reader, component, serial)
    if found is None:
        raise StateError(f"no commission {serial} is pending")
    return {
        "serial": serial,
        "component": name,
        "name": found.name,
        "issue_time": to_iso(found.issue_time),
        "age_seconds": (clock.now() - found.issue_time) // MICROSECONDS,
        "provisions": [{**key._asdict(), "quantity": quantity} for key, quantity in found.provisions],
    }
