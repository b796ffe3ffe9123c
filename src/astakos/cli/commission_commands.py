"""`astakos commission`: shows commissions, and resolves pending ones by hand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from astakos import clock
from astakos.administration.operator_resolutions import resolve
from astakos.administration.state_document import StateError
from astakos.cli.instants import INSTANT
from astakos.cli.options import database_option, open_database
from astakos.cli.output import print_facts, print_rows, table_options
from astakos.cli.shown_values import Age, Amount, Moment
from astakos.cli.whole_numbers import ROWS
from astakos.clock import MICROSECONDS
from astakos.events.event import OPERATOR
from astakos.http.commissions.history_pages import HOLDER, SOURCE, describe
from astakos.http.openapi.description import Parameter
from astakos.ledger.key_levels import prefix_of_holder
from astakos.ledger.operations import Verdict
from astakos.storage.protocol import Connection
from astakos.storage.tables import commissions, registry
from astakos.storage.tables.history import Entry, Wanted, read_history


class NameInLedger(click.ParamType[str]):
    """The name of a holder or a source, in the forms that the history takes over HTTP."""

    name = "name"

    def __init__(self, parameter: Parameter[str]) -> None:
        """Take the forms of a parameter."""
        self._parameter = parameter

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the ledger's name."""
        try:
            return self._parameter.read(str(value))
        except ValueError:
            self.fail(f"it must be {self._parameter.right}, not {str(value)!r}", param, ctx)


@click.group()
def commission() -> None:
    """Show commissions, and accept or reject pending ones by hand."""


@commission.command("list")
@click.option("--component", help="Only commissions of this component.")
@database_option
@table_options
def list_(component: str | None, database_url: str, as_json: bool, wide: bool) -> None:
    """List pending commissions, oldest first."""
    reader = open_database(database_url).reader()
    if component is not None and registry.find_component(reader, component) is None:
        raise StateError(f"there is no component {component!r}")
    scales = registry.scales(reader)
    rows = [
        _facts(reader, known.id, known.name, serial, scales)
        for known in registry.list_components(reader)
        if component in (None, known.name)
        for serial in commissions.list_pending(reader, known.id)
    ]
    rows.sort(key=lambda row: row["serial"])
    columns: tuple[str, ...] = ("serial", "component", "name", "issue_time", "age_seconds")
    if not as_json:
        rows, columns = _with_keys(rows, columns)
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("issue_time", "name", "key"))


@commission.command()
@click.argument("serial", type=int)
@database_option
@table_options
def show(serial: int, database_url: str, as_json: bool, wide: bool) -> None:
    """Show a pending commission with its provisions."""
    reader = open_database(database_url).reader()
    for known in registry.list_components(reader):
        if commissions.find_pending(reader, known.id, serial) is not None:
            facts = _facts(reader, known.id, known.name, serial, registry.scales(reader))
            provisions = facts.pop("provisions")
            if as_json:
                print_facts(facts | {"provisions": provisions}, as_json=True)
                return
            print_facts(facts, as_json=False)
            click.echo()
            columns = ("holder", "resource", "quantity", "source")
            print_rows(provisions, columns, as_json=False, wide=wide, droppable=("source",))
            return
    raise StateError(f"there is no pending commission {serial}")


@commission.command()
@click.argument("serial", type=int)
@database_option
def accept(serial: int, database_url: str) -> None:
    """Accept a pending commission in place of its component."""
    resolve(open_database(database_url), OPERATOR, serial, Verdict.ACCEPT, clock.now())
    click.echo(f"Accepted {serial}.")


@commission.command()
@click.argument("serial", type=int)
@database_option
def reject(serial: int, database_url: str) -> None:
    """Reject a pending commission in place of its component."""
    resolve(open_database(database_url), OPERATOR, serial, Verdict.REJECT, clock.now())
    click.echo(f"Rejected {serial}.")


@commission.command()
@click.option("--component", help="Only commissions of this component.")
@click.option(
    "--holder",
    type=NameInLedger(HOLDER),
    help="Only provisions for this holder: user:UUID, project:UUID, key:PREFIX, or a user's UUID.",
)
@click.option(
    "--source",
    type=NameInLedger(SOURCE),
    help="Only provisions from this source: project:UUID, or a project's UUID; empty for none.",
)
@click.option("--resource", help="Only provisions of this resource.")
@click.option(
    "--serial",
    type=click.IntRange(1, commissions.LARGEST_SERIAL),
    help="Only the commission with this serial.",
)
@click.option("--since", type=INSTANT, help="Only commissions resolved at or after this time.")
@click.option("--until", type=INSTANT, help="Only commissions resolved before this time.")
@click.option(
    "--outcome", type=click.Choice([v.value for v in Verdict]), help="Only commissions with this outcome."
)
@click.option("--limit", type=ROWS, default=100, show_default=True, help="The maximum number of entries.")
@database_option
@table_options
def history(
    component: str | None,
    holder: str | None,
    source: str | None,
    resource: str | None,
    serial: int | None,
    since: int | None,
    until: int | None,
    outcome: str | None,
    limit: int,
    database_url: str,
    as_json: bool,
    wide: bool,
) -> None:
    """Show the provisions of resolved commissions, newest first."""
    reader = open_database(database_url).reader()
    known = None if component is None else registry.find_component(reader, component)
    if component is not None and known is None:
        raise StateError(f"there is no component {component!r}")
    wanted = Wanted(
        component=None if known is None else known.id,
        holder=holder,
        source=source,
        resource=resource,
        serial=serial,
        since=since,
        until=until,
        verdict=None if outcome is None else Verdict(outcome),
    )
    scales = registry.scales(reader)
    rows = [_described(entry, scales) for entry in _entries(reader, wanted, limit)]
    columns: tuple[str, ...] = (
        "serial",
        "component",
        "outcome",
        "log_time",
        "holder",
        "source",
        "resource",
        "quantity",
        "settled",
    )
    if not as_json:
        rows, columns = _with_keys(rows, columns)
    droppable = ("source", "key", "component", "settled", "log_time", "outcome")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=droppable)


def _with_keys(
    rows: list[dict[str, Any]], columns: tuple[str, ...]
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Return rows and columns with the keys of commissions, if any of them has one."""
    if not any("key" in row for row in rows):
        return rows, columns
    return [{"key": None, **row} for row in rows], (*columns, "key")


def _described(entry: Entry, scales: Mapping[str, int]) -> dict[str, Any]:
    facts = describe(entry)
    amounts = {
        name: Amount(facts[name], scales.get(facts["resource"], 0)) for name in ("quantity", "settled")
    }
    times = {"issue_time": Moment(entry.issue_time), "log_time": Moment(entry.resolve_time)}
    return facts | amounts | times


def _entries(reader: Connection, wanted: Wanted, most: int) -> list[Entry]:
    """Read page by page, because a page can end early when few entries match."""
    entries: list[Entry] = []
    while True:
        page = read_history(reader, wanted, most - len(entries))
        entries += page.entries
        if page.end is None or len(entries) == most:
            return entries
        wanted = replace(wanted, before=page.end)


def _facts(
    reader: Connection, component: int, name: str, serial: int, scales: Mapping[str, int]
) -> dict[str, Any]:
    found = commissions.find_pending(reader, component, serial)
    if found is None:
        raise StateError(f"there is no pending commission {serial}")
    key = {} if found.key_holder is None else {"key": prefix_of_holder(found.key_holder)}
    return {
        "serial": serial,
        "component": name,
        "name": found.name,
        **key,
        "issue_time": Moment(found.issue_time),
        "age_seconds": Age(max(0, clock.now() - found.issue_time) // MICROSECONDS),
        "provisions": [
            {**key._asdict(), "quantity": Amount(quantity, scales.get(key.resource, 0))}
            for key, quantity in found.provisions
        ],
    }
