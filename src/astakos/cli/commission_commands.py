"""`astakos commission`: shows commissions, and resolves pending ones by hand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from astakos import clock
from astakos.administration.component_tokens import find_component
from astakos.administration.operator_resolutions import resolve
from astakos.administration.state_document import StateError
from astakos.cli.acting import reason_option
from astakos.cli.durations import Duration
from astakos.cli.instants import INSTANT
from astakos.cli.options import database_option, open_database
from astakos.cli.output import print_facts, print_rows, table_options
from astakos.cli.shown_values import Age, Amount, Moment, moment
from astakos.cli.whole_numbers import ROWS
from astakos.clock import DAY, MICROSECONDS
from astakos.events.event import OPERATOR
from astakos.http.commissions.history_pages import HOLDER, SOURCE, describe
from astakos.http.openapi.description import Parameter
from astakos.ledger.key_levels import prefix_of_holder
from astakos.ledger.operations import Verdict
from astakos.pages.comma_separated import comma_separated
from astakos.storage.protocol import Connection
from astakos.storage.tables import commissions, registry
from astakos.storage.tables.history import Entry, Wanted, read_history
from astakos.storage.tables.pending_list import (
    PendingEntry,
    PendingWanted,
    component_of_service,
    read_pending_page,
)

LONGEST_AGE = 3650 * DAY
HISTORY_COLUMNS = (
    "serial",
    "component",
    "name",
    "issue_time",
    "log_time",
    "outcome",
    "holder",
    "source",
    "resource",
    "quantity",
    "settled",
    "limit",
    "usage_min",
    "usage_max",
    "key",
)


class NameInLedger(click.ParamType[str]):
    """The name of a holder or a source, in the forms that the history takes over HTTP."""

    name = "name"

    def __init__(self, parameter: Parameter[str]) -> None:
        """Takes the forms of a parameter."""
        self._parameter = parameter

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the ledger's name."""
        try:
            return self._parameter.read(str(value))
        except ValueError:
            self.fail(f"it must be {self._parameter.right}, not {str(value)!r}", param, ctx)


@click.group()
def commission() -> None:
    """Show commissions, and accept or reject pending ones by hand."""


@commission.command("list")
@click.option("--component", help="Only commissions of this component.")
@click.option("--service", help="Only commissions of the component that has this service.")
@click.option(
    "--holder",
    type=NameInLedger(HOLDER),
    help="Only those with a provision for user:UUID, project:UUID, key:PREFIX, or a user's UUID.",
)
@click.option("--resource", help="Only those with a provision of this resource.")
@click.option(
    "--older-than",
    type=Duration(LONGEST_AGE),
    help="Only those that have been pending for longer, for example 1h.",
)
@click.option(
    "--limit", type=ROWS, default=1000, show_default=True, help="The maximum number of commissions."
)
@database_option
@table_options
def list_(
    component: str | None,
    service: str | None,
    holder: str | None,
    resource: str | None,
    older_than: int | None,
    limit: int,
    database_url: str,
    as_json: bool,
    wide: bool,
) -> None:
    """List pending commissions, oldest first."""
    reader, now = open_database(database_url).reader(), clock.now()
    wanted = PendingWanted(
        component=_component(reader, component, service),
        holder=holder,
        resource=resource,
        issued_before=None if older_than is None else now - older_than,
    )
    scales = registry.scales(reader)
    rows = [_facts(entry, scales, now) for entry in _pending(reader, wanted, limit)]
    columns: tuple[str, ...] = (
        "serial",
        "component",
        "name",
        "issue_time",
        "age_seconds",
        "expires",
        "holders",
        "quantities",
    )
    if not as_json:
        rows, columns = _with_keys(rows, columns)
    droppable = ("issue_time", "name", "key", "expires", "component")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=droppable)


def _component(reader: Connection, component: str | None, service: str | None) -> int | None:
    """Returns the id of the component that the options name; None if they name none."""
    if component is not None and service is not None:
        raise click.UsageError("Give --component or --service, not both.")
    if component is not None:
        return find_component(reader, component).id
    if service is None:
        return None
    found = component_of_service(reader, service)
    if found is None:
        raise StateError(f"there is no service {service!r}; `astakos component list` shows them all")
    return found


def _pending(reader: Connection, wanted: PendingWanted, most: int) -> list[PendingEntry]:
    """Reads page by page, because a page can end early when few commissions match."""
    entries: list[PendingEntry] = []
    after: int | None = 0
    while after is not None and len(entries) < most:
        page = read_pending_page(reader, wanted, after=after, most=most - len(entries))
        entries += page.entries
        after = page.end
    return entries


@commission.command()
@click.argument("serial", type=int)
@database_option
@table_options
def show(serial: int, database_url: str, as_json: bool, wide: bool) -> None:
    """Show a pending commission with its provisions."""
    reader = open_database(database_url).reader()
    for known in registry.list_components(reader):
        found = commissions.find_pending(reader, known.id, serial)
        if found is not None:
            entry = PendingEntry(
                serial,
                known.name,
                found.name,
                found.issue_time,
                found.expires,
                found.provisions,
                found.key_holder,
            )
            facts = _facts(entry, registry.scales(reader), clock.now())
            provisions = facts.pop("provisions")
            if as_json:
                print_facts(facts | {"provisions": provisions}, as_json=True)
                return
            del facts["holders"], facts["quantities"]
            print_facts(facts, as_json=False)
            click.echo()
            columns = ("holder", "resource", "quantity", "source")
            print_rows(provisions, columns, as_json=False, wide=wide, droppable=("source",))
            return
    raise StateError(f"there is no pending commission {serial}")


@commission.command()
@click.argument("serials", metavar="SERIAL...", type=int, nargs=-1, required=True)
@reason_option
@database_option
def accept(serials: tuple[int, ...], reason: str, database_url: str) -> None:
    """Accept pending commissions in place of their components."""
    _resolve(database_url, serials, Verdict.ACCEPT, reason)


@commission.command()
@click.argument("serials", metavar="SERIAL...", type=int, nargs=-1, required=True)
@reason_option
@database_option
def reject(serials: tuple[int, ...], reason: str, database_url: str) -> None:
    """Reject pending commissions in place of their components."""
    _resolve(database_url, serials, Verdict.REJECT, reason)


def _resolve(database_url: str, serials: tuple[int, ...], verdict: Verdict, reason: str) -> None:
    """Resolves commissions; those that are not pending keep no others from it."""
    database = open_database(database_url)
    done = resolve(database, OPERATOR, serials, verdict, clock.now(), reason=reason)
    if done.resolved:
        told = "Accepted" if verdict is Verdict.ACCEPT else "Rejected"
        click.echo(f"{told} {', '.join(map(str, sorted(done.resolved)))}.")
    if done.missing:
        missing = ", ".join(map(str, done.missing))
        raise StateError(f"there is no pending commission {missing}")


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
@click.option("--service", help="Only commissions of the component that has this service.")
@click.option("--limit", type=ROWS, default=100, show_default=True, help="The maximum number of entries.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with exact times and quantities.")
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
    service: str | None,
    limit: int,
    as_csv: bool,
    database_url: str,
    as_json: bool,
    wide: bool,
) -> None:
    """Show the provisions of resolved commissions, newest first."""
    if as_csv and as_json:
        raise click.UsageError("Give --csv or --json, not both.")
    reader = open_database(database_url).reader()
    wanted = Wanted(
        component=_component(reader, component, service),
        holder=holder,
        source=source,
        resource=resource,
        serial=serial,
        since=since,
        until=until,
        verdict=None if outcome is None else Verdict(outcome),
    )
    if as_csv:
        described = map(describe, _entries(reader, wanted, limit))
        cells = ([one.get(column) for column in HISTORY_COLUMNS] for one in described)
        click.echo(comma_separated(HISTORY_COLUMNS, cells), nl=False)
        return
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
    """Returns rows and columns with the keys of commissions, if any of them has one."""
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
    """Reads page by page, because a page can end early when few entries match."""
    entries: list[Entry] = []
    while True:
        page = read_history(reader, wanted, most - len(entries))
        entries += page.entries
        if page.end is None or len(entries) == most:
            return entries
        wanted = replace(wanted, before=page.end)


def _facts(entry: PendingEntry, scales: Mapping[str, int], now: int) -> dict[str, Any]:
    key = {} if entry.key_holder is None else {"key": prefix_of_holder(entry.key_holder)}
    members = [one for one in entry.provisions if one.key.source is not None] or entry.provisions
    return {
        "serial": entry.serial,
        "component": entry.component,
        "name": entry.name,
        **key,
        "issue_time": Moment(entry.issue_time),
        "age_seconds": Age(max(0, now - entry.issue_time) // MICROSECONDS),
        "expires": moment(entry.expires),
        "holders": list(dict.fromkeys(one.key.holder for one in members)),
        "quantities": [
            f"{one.key.resource} {Amount(one.quantity, scales.get(one.key.resource, 0))}" for one in members
        ],
        "provisions": [
            {**one.key._asdict(), "quantity": Amount(one.quantity, scales.get(one.key.resource, 0))}
            for one in entry.provisions
        ],
    }
