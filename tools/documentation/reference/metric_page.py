"""The page about the metrics, from their list."""

from collections.abc import Iterator

from tools.documentation.markdown import code, page, prose, table

from astakos.metrics.definitions import ALL, Area, Definition, Presence


def metric_page() -> str:
    """Returns the page."""
    return page(
        "# Metrics",
        "What `astakos serve --metrics-port PORT` tells Prometheus at `/metrics`."
        " [Monitoring](../monitoring.md#metrics) says how to collect and use them, and"
        " [the runbooks](../runbooks/README.md) what to do when an alert fires.",
        *(part for area in Area for part in _section(area)),
    )


def _section(area: Area) -> Iterator[str]:
    yield f"## {area.value}"
    found = [definition for definition in ALL if definition.area is area]
    yield table(("Metric", "Type", "Unit", "Labels", "Meaning"), map(_row, found))


def _row(metric: Definition) -> tuple[str, str, str, str, str]:
    presence = "" if metric.presence is Presence.ALWAYS else f" ({metric.presence.value})"
    return (
        code(metric.told_name),
        metric.kind.value,
        metric.unit.value,
        ", ".join(map(code, metric.labels)),
        f"{prose(metric.meaning)}{presence}",
    )
