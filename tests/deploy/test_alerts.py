"""The rules for Prometheus name metrics that there are and say what to do; alerts fire when they should.

Where promtool is found (`make deploy-tools` installs it), it checks the rules and tells the stories of
`prometheus/`.
"""

import re
import shutil
import subprocess
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from astakos.storage.protocol import Database
from deploy.queries import SAMPLES, complaints, names, result_labels
from service.command import serving

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "astakos.rules.yaml"
STORIES = sorted(Path(__file__).parent.joinpath("prometheus").glob("*.yaml"))
RUNBOOKS = "https://example.org/astakos/docs/runbooks/"
LABEL = re.compile(r"\$labels\.(\w+)")

GROUPS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule}
RECORDED = {
    rule["record"]: result_labels(rule["expr"])
    for group in GROUPS
    for rule in group["rules"]
    if "record" in rule
}


def run_promtool(*arguments: str | Path, stdin: str | None = None) -> None:
    """Runs promtool, which must find nothing wrong."""
    _run("promtool", *arguments, stdin=stdin)


def _run(name: str, *arguments: str | Path, stdin: str | None = None) -> None:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"there is no {name}")
    done = subprocess.run(
        [program, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=FOLDER,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_the_rules_and_the_configuration() -> None:
    run_promtool("check", "rules", RULES)
    run_promtool("check", "config", FOLDER / "prometheus.yaml")


def test_prometheus_has_nothing_to_say_about_how_metrics_are_told(database: Database) -> None:
    with serving(database, "--metrics-port", "0") as served:
        served.caller.get("/healthz")
        with urllib.request.urlopen(served.metrics_url, timeout=20) as answer:
            told = answer.read().decode()
    run_promtool("check", "metrics", stdin=told)


def test_alertmanager_accepts_its_configuration() -> None:
    _run("amtool", "check-config", FOLDER / "alertmanager.yaml")


def test_alerts_that_keep_others_quiet_are_there_and_have_what_must_be_equal() -> None:
    document = yaml.safe_load(FOLDER.joinpath("alertmanager.yaml").read_text(encoding="utf-8"))
    for rule in document["inhibit_rules"]:
        sources, targets = (
            set(re.findall(r"Astakos\w+", " ".join(rule[matchers])))
            for matchers in ("source_matchers", "target_matchers")
        )
        assert sources | targets <= ALERTS.keys()
        assert not sources & targets
        for name in sources | targets:
            assert set(rule["equal"]) <= (result_labels(ALERTS[name]["expr"]) or {"job", "instance"})


def test_alerts_fire_and_do_not_fire_as_told() -> None:
    run_promtool("test", "rules", *STORIES)


def stories() -> list[dict[str, Any]]:
    """The tests in the files, with the series that each of them begins with."""
    return [story for file in STORIES for story in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]]


def test_each_alert_has_a_story_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    told: dict[str, set[bool]] = defaultdict(set)
    for story in stories():
        (test,) = story["promql_expr_test"]
        (name,) = re.findall(r'^ALERTS\{alertname="(\w+)",alertstate="firing"\}$', test["expr"])
        fires = bool(test["exp_samples"])
        assert story["name"] == f"{name} {'fires' if fires else 'does not fire'}"
        told[name].add(fires)
    assert dict(told) == {name: {True, False} for name in ALERTS}


@pytest.mark.parametrize("expression", [rule["expr"] for group in GROUPS for rule in group["rules"]])
def test_what_the_rules_name_is_told_by_the_service(expression: str) -> None:
    assert complaints(expression, RECORDED) == []


def test_the_stories_name_metrics_that_there_are() -> None:
    series = {one["series"] for story in stories() for one in story["input_series"]}
    assert {name for one in series for name in names(one)} <= {*SAMPLES, "up"}


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_says_what_is_wrong_and_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"{RUNBOOKS}{name}.md"
    for text in (rule["annotations"]["summary"], rule["annotations"]["description"]):
        assert text.endswith(".")
    for label in LABEL.findall(" ".join(rule["annotations"].values())):
        assert any(label in _labels(metric) for metric in names(rule["expr"])), label


def _labels(metric: str) -> set[str]:
    own = set(SAMPLES[metric].labels) if metric in SAMPLES else set(RECORDED.get(metric, ()))
    return {*own, "job", "instance"}
