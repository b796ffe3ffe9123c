"""Writes the dashboard for Grafana from the list of metrics, so that each new metric is on it::

python tools/write_dashboard.py            # writes deploy/grafana/astakos.json
python tools/write_dashboard.py --check    # says whether it is out of date, and fails if it is
"""

import itertools
import string
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from grafana_foundation_sdk.builders import common, stat
from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DatasourceVariable,
    QueryVariable,
    Row,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.timeseries import Panel
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendPlacement, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
    VariableRefresh,
)

from astakos.metrics import definitions
from astakos.metrics.definitions import ALL, Area, Definition, Kind, Presence, Unit

STORED: Final = Path(__file__).parent.parent / "deploy" / "grafana" / "astakos.json"
PROMETHEUS: Final = DataSourceRef("prometheus", "${datasource}")
CHOSEN: Final = 'job="$job",instance=~"$instance"'
UNITS: Final = {Unit.NUMBER: "short", Unit.SECONDS: "s", Unit.BYTES: "bytes"}
UNITS_OF_RATES: Final = {Unit.NUMBER: "cps", Unit.SECONDS: "percentunit", Unit.BYTES: "Bps"}
SHOWN_LABELS: Final = {definitions.REQUESTS: ("status",)}
"""The labels by which a metric is shown if all of them would be too many lines."""
STARTED: Final = "process_start_time_seconds"
TITLES: Final = {STARTED: "Time since the start", "process_max_fds": "Process most open files"}
"""Titles that do not follow from the names of metrics."""
QUANTILES: Final = (0.5, 0.9, 0.99)
WORDS: Final = {"http": "HTTP", "cpu": "CPU", "sqlite": "SQLite", "fds": "files"}
LEFT_OUT: Final = {"astakos", "bytes", "seconds"}
WIDTH: Final = 8
HEIGHT: Final = 8


class Line(NamedTuple):
    """What a panel shows: a query, and what its lines are called."""

    query: str
    legend: str


class More(NamedTuple):
    """A panel that says more of a metric than one that follows from the list."""

    title: str
    meaning: str
    area: Area
    unit: str
    lines: tuple[Line, ...]


REQUESTS: Final = f"{definitions.REQUESTS.told_name}{{{CHOSEN}"
MORE: Final = (
    More(
        "Instances",
        "Instances that Prometheus can scrape.",
        Area.REQUESTS,
        "short",
        (Line('sum by (job) (up{job="$job"})', "up"), Line('count by (job) (up{job="$job"})', "expected")),
    ),
    More(
        "Requests that fail",
        "The part of requests that is answered with 5xx, without health checks.",
        Area.REQUESTS,
        "percentunit",
        (
            Line(
                # While none fails, there is no series of those that do.
                f'(sum(rate({REQUESTS},route!~"/healthz|/readyz",status=~"5.."}}[$__rate_interval])) '
                f'or vector(0)) / sum(rate({REQUESTS},route!~"/healthz|/readyz"}}[$__rate_interval]))',
                "5xx",
            ),
        ),
    ),
    More(
        "Failed requests by call",
        "Answers with 5xx by call.",
        Area.REQUESTS,
        "cps",
        (
            Line(
                f'sum by (route, method, status) (rate({REQUESTS},status=~"5.."}}[$__rate_interval]))',
                "{{method}} {{route}} {{status}}",
            ),
        ),
    ),
    More(
        "Slowest calls",
        "The ten calls whose slowest hundredth takes longest.",
        Area.REQUESTS,
        "s",
        (
            Line(
                "topk(10, histogram_quantile(0.99, sum by (route, method, le) (rate("
                f"{definitions.REQUEST_DURATION.name}_bucket{{{CHOSEN}}}[$__rate_interval]))))",
                "{{method}} {{route}}",
            ),
        ),
    ),
    More(
        "Batches of the ledger",
        "Transactions with which the ledger carries out operations.",
        Area.LEDGER,
        "cps",
        (
            Line(
                f"sum(rate({definitions.BATCH_OPERATIONS.name}_count{{{CHOSEN}}}[$__rate_interval]))",
                "batches",
            ),
            Line(
                f"sum(rate({definitions.BATCH_OPERATIONS.name}_sum{{{CHOSEN}}}[$__rate_interval]))",
                "operations",
            ),
        ),
    ),
)


def current_dashboard() -> str:
    """The dashboard of this code, as JSON."""
    dashboard = (
        Dashboard("Astakos")
        .uid("astakos")
        .description(
            "Identity and quota for services. Made from the list of metrics; see docs/monitoring.md."
        )
        .tags(["astakos"])
        .timezone("browser")
        .time("now-6h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(_variable("job", "Job", "label_values(astakos_info, job)"))
        .with_variable(
            _variable("instance", "Instance", 'label_values(astakos_info{job="$job"}, instance)')
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
        .annotation(
            AnnotationQuery()
            .name("Alerts")
            .datasource(PROMETHEUS)
            .enable(True)
            .icon_color("red")
            .expr('ALERTS{alertname=~"Astakos.*",alertstate="firing",severity="critical"}')
        )
    )
    numbers = itertools.count(1)
    for area in Area:
        dashboard.with_row(Row(area.value).id(next(numbers)))
        for panel in _panels(area):
            dashboard.with_panel(panel.id(next(numbers)))
    return JSONEncoder(sort_keys=True, indent=1).encode(dashboard.build()) + "\n"


def _variable(name: str, label: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query({"query": query, "refId": name})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )


def _panels(area: Area) -> Iterator[Panel | stat.Panel]:
    """The panels of a row: what is or is not first."""
    of_area = [one for one in ALL if one.area is area and one.kind is not Kind.INFO]
    for one in of_area:
        if one.unit is Unit.YES_OR_NO:
            yield _state(one)
    for more in MORE:
        if more.area is area:
            yield _lines(more.title, more.meaning, more.unit, more.lines)
    for one in of_area:
        if one.unit is not Unit.YES_OR_NO:
            yield _lines(_title(one), _meaning(one), _unit(one), lines_of(one))


def lines_of(definition: Definition) -> tuple[Line, ...]:
    """What a panel shows of a metric."""
    if definition.told_name == STARTED:
        return (Line(f"time() - max by (instance) ({STARTED}{{{CHOSEN}}})", "{{instance}}"),)
    name = f"{definition.told_name}{{{CHOSEN}}}"
    if definition.kind is Kind.HISTOGRAM:
        buckets = f"{definition.name}_bucket{{{CHOSEN}}}"
        return tuple(
            Line(
                f"histogram_quantile({quantile}, sum by (le) (rate({buckets}[$__rate_interval])))",
                f"{quantile:.0%} below",
            )
            for quantile in QUANTILES
        )
    labels = SHOWN_LABELS.get(definition, definition.labels)
    if definition.kind is Kind.COUNTER:
        name = f"rate({name}[$__rate_interval])"
    if definition.is_of_database:
        aggregate = "max"
    elif definition.kind is Kind.COUNTER:
        aggregate = "sum"
    else:
        labels = ("instance", *labels)
        aggregate = "max"
    legend = " ".join(f"{{{{{label}}}}}" for label in labels) or "all"
    by = f" by ({', '.join(labels)})" if labels else ""
    return (Line(f"{aggregate}{by} ({name})", legend),)


def _title(definition: Definition) -> str:
    if definition.told_name in TITLES:
        return TITLES[definition.told_name]
    words = [WORDS.get(word, word) for word in definition.name.split("_") if word not in LEFT_OUT]
    title = " ".join(words)
    return title[0].upper() + title[1:]


def _meaning(definition: Definition) -> str:
    ending = " Only with an SQLite file." if definition.presence is Presence.ON_SQLITE else ""
    return f"{definition.meaning}{ending} ({definition.told_name})"


def _unit(definition: Definition) -> str:
    return (UNITS_OF_RATES if definition.kind is Kind.COUNTER else UNITS)[definition.unit]


def _lines(title: str, meaning: str, unit: str, lines: Iterable[Line]) -> Panel:
    panel = (
        Panel()
        .title(title)
        .description(meaning)
        .datasource(PROMETHEUS)
        .unit(unit)
        .span(WIDTH)
        .height(HEIGHT)
        .fill_opacity(10)
        .legend(common.VizLegendOptions().show_legend(True).placement(LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    for letter, line in zip(string.ascii_uppercase, lines, strict=False):
        panel.with_target(_query(letter, line))
    return panel


def _state(definition: Definition) -> stat.Panel:
    """A word for what is or is not: green if all is well."""
    is_good = definition is definitions.DATABASE_READABLE
    colors = ("red", "green") if is_good else ("green", "red")
    values = {
        str(number): ValueMappingResult(text=word, color=color, index=number)
        for number, (word, color) in enumerate(zip(("no", "yes"), colors, strict=True))
    }
    return (
        stat.Panel()
        .title(_title(definition))
        .description(_meaning(definition))
        .datasource(PROMETHEUS)
        .span(WIDTH)
        .height(HEIGHT)
        .mappings([ValueMap(values)])
        .thresholds(
            ThresholdsConfig()
            .mode(ThresholdsMode.ABSOLUTE)
            .steps([Threshold(None, colors[0]), Threshold(1, colors[1])])
        )
        .with_target(_query("A", lines_of(definition)[0]))
    )


def _query(letter: str, line: Line) -> Dataquery:
    return (
        Dataquery().ref_id(letter).expr(line.query).legend_format(line.legend).datasource(PROMETHEUS).range()
    )


def main() -> None:
    """Write, or check."""
    made = current_dashboard()
    if sys.argv[1:] == ["--check"]:
        if STORED.read_text("utf-8") != made:
            sys.exit("deploy/grafana/astakos.json is out of date; run: python tools/write_dashboard.py")
    else:
        STORED.parent.mkdir(exist_ok=True)
        STORED.write_text(made, "utf-8")


if __name__ == "__main__":
    main()
