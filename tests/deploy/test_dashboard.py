"""The dashboard for Grafana is made of this code's metrics, and Grafana can show it."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard
from tools.write_dashboard import STORED, current_dashboard

from astakos.metrics.definitions import ALL, Area, Kind
from deploy.queries import SAMPLES, complaints, names

DOCUMENT: dict[str, Any] = json.loads(STORED.read_text("utf-8"))
PANELS: list[dict[str, Any]] = DOCUMENT["panels"]
COLUMNS = 24


def queries() -> Iterator[str]:
    """The queries of all panels, as if somebody had chosen a job and an instance."""
    for panel in PANELS:
        for target in panel.get("targets", ()):
            expression = target["expr"].replace("$__rate_interval", "5m")
            yield expression.replace("$job", "astakos").replace("$instance", ".*")


def test_it_is_that_of_this_code() -> None:
    assert STORED.read_text("utf-8") == current_dashboard(), "run: python tools/write_dashboard.py"
    done = subprocess.run(
        [sys.executable, STORED.parents[2] / "tools" / "write_dashboard.py", "--check"],
        timeout=60,
        check=False,
    )
    assert done.returncode == 0


@pytest.mark.parametrize("query", sorted(set(queries())))
def test_what_it_asks_for_is_told_by_the_service(query: str) -> None:
    assert complaints(query, {}) == []


def test_each_metric_is_on_it() -> None:
    shown = {SAMPLES[name] for query in queries() for name in names(query) if name in SAMPLES}
    assert shown == {one for one in ALL if one.kind is not Kind.INFO}


def test_its_rows_are_what_metrics_are_about() -> None:
    assert [panel["title"] for panel in PANELS if panel["type"] == "row"] == [area.value for area in Area]


def test_grafana_can_read_it() -> None:
    assert DOCUMENT["schemaVersion"] >= 41
    assert Dashboard.from_json(DOCUMENT).title == "Astakos"
    identifiers = [panel["id"] for panel in PANELS]
    assert len(set(identifiers)) == len(PANELS)
    for panel in PANELS:
        letters = [target["refId"] for target in panel.get("targets", ())]
        assert len(set(letters)) == len(letters)
        assert "" not in letters


def test_who_looks_at_it_chooses_the_prometheus_the_job_and_instances() -> None:
    kinds = {one["name"]: one["type"] for one in DOCUMENT["templating"]["list"]}
    assert kinds == {"datasource": "datasource", "job": "query", "instance": "query"}
    for panel in PANELS:
        for part in (panel, *panel.get("targets", ())):
            if panel["type"] != "row":
                assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_no_panel_covers_another() -> None:
    places = [panel["gridPos"] for panel in PANELS]
    for place in places:
        assert place["x"] + place["w"] <= COLUMNS
    for one, other in itertools.combinations(places, 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        ), (one, other)
