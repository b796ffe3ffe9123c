"""`astakos resource usage` and `quota list`: who uses most, and who is near a limit."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import click

from astakos import clock
from astakos.administration.state_document import StateError
from astakos.administration.usage_leaders import find_leaders, period_start, start_before
from astakos.administration.usage_reports import (
    HolderUsage,
    all_in_period,
    find_over,
    rank,
    require_resource,
)
from astakos.cli.instants import INSTANT
from astakos.cli.options import database_option, open_database
from astakos.cli.output import print_rows, table_options
from astakos.cli.shown_values import Amount, moment
from astakos.cli.whole_numbers import ROWS
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry, usage_leaders
from astakos.storage.tables.usage_leaders import MOST_LEADERS, Ranking

LAST = "last"
PERCENTAGE = re.compile(r"([0-9]{1,6})%?")


class Percentage(click.ParamType[int]):
    """A part of a limit, such as 80%."""

    name = "percent"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parses a percentage."""
        written = PERCENTAGE.fullmatch(str(value).strip())
        if written is None:
            self.fail(f"{value!r} is not a part of a limit; write it like 80%", param, ctx)
        return int(written[1])


@click.command()
@click.argument("name")
@click.option(
    "--top",
    type=ROWS,
    default=20,
    show_default=True,
    help=f"How many to show; {MOST_LEADERS} at most without --period.",
)
@click.option(
    "--by",
    "ranking",
    type=click.Choice([one.value for one in Ranking]),
    default=Ranking.USAGE.value,
    show_default=True,
    help="What to sort by: the amount, or its share of the limit.",
)
@click.option(
    "--period",
    metavar="TIME|last",
    help="Of a meter such as llm.tokens/month, the period that is over and began at this time, or the last.",
)
@database_option
@table_options
def usage(
    name: str, top: int, ranking: str, period: str | None, database_url: str, as_json: bool, wide: bool
) -> None:
    """Show which users and projects use most of the resource NAME.

    Of a period that is over, it shows all that was settled in it on the limits of the meter, and not what was
    drawn from grants. Reads all holdings, which takes seconds where there are millions.
    """
    if period is None and top > MOST_LEADERS:
        raise click.UsageError(
            f"--top is {MOST_LEADERS} at most without --period. `astakos quota list --over 0%` shows all who "
            "have a limit."
        )
    reader, now = open_database(database_url).reader(), clock.now()
    require_resource(reader, name)
    if period is not None:
        found = all_in_period(reader, name, _start(reader, name, period, now), top, now)
    else:
        leaders = find_leaders(reader, name, now) or {}
        chosen = Ranking(ranking)
        holdings = [usage_leaders.find(reader, holding) for holding in leaders.get(chosen, [])]
        found = rank(reader, holdings, chosen, top, now)
    _print(found, registry.scales(reader), as_json=as_json, wide=wide)


def _start(reader: Connection, name: str, period: str, now: int) -> int:
    """Returns when a period that is over began.

    Raises:
        StateError: the resource has no periods.
    """
    start = period_start(reader, name, now)
    before = None if start is None else start_before(reader, name, start)
    if before is None:
        raise StateError(f"{name!r} has no periods; `astakos resource list` shows which resources do")
    return before if period == LAST else INSTANT.convert(period, None, None)


@click.command("list")
@click.option(
    "--over",
    "percent",
    type=Percentage(),
    default="80%",
    show_default=True,
    help="Only who uses at least so much of a limit.",
)
@click.option("--resource", help="Only limits of this resource.")
@click.option("--limit", type=ROWS, default=1000, show_default=True, help="The maximum number of rows.")
@database_option
@table_options
def list_over(
    percent: int, resource: str | None, limit: int, database_url: str, as_json: bool, wide: bool
) -> None:
    """List the users and projects that are near a limit, or over it.

    A user's own project is shown as the user; in shared projects, members who are near their own limit are
    shown as well as the project. Reads all holdings, which takes seconds where there are millions.
    """
    reader, now = open_database(database_url).reader(), clock.now()
    if resource is not None:
        require_resource(reader, resource)
    found: list[HolderUsage] = []
    after: int | None = 0
    while after is not None and len(found) < limit:
        page = find_over(reader, percent, now, resource=resource, after=after)
        found += page.rows
        after = page.end
    _print(found[:limit], registry.scales(reader), as_json=as_json, wide=wide)


def _print(found: Iterable[HolderUsage], scales: Mapping[str, int], *, as_json: bool, wide: bool) -> None:
    rows: list[dict[str, Any]] = []
    for one in found:
        scale = scales.get(one.resource, 0)
        amounts = {name: Amount(getattr(one, name), scale) for name in ("usage", "pending", "limit")}
        rows.append(one._asdict() | amounts | {"resets": moment(one.resets)})
    columns = ("name", "project", "resource", "usage", "pending", "limit", "percent", "resets")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("resets", "pending", "project"))
