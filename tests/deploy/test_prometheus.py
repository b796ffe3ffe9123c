"""A real Prometheus scrapes a real service: each query of the dashboard and of the rules finds something."""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.processes.listening import LOOPBACK, listen
from deploy.queries import selectors
from service.caller import ACCOUNT, Caller
from service.command import astakos, serving
from service.deliveries.webhook_receiver import webhook_receiver
from service.installation import database_at, make_world
from service.world import ALICE, COMPUTE_TOKEN, LOADED, UNKNOWN_TOKEN, member_key

DEPLOY = Path(__file__).parents[2] / "deploy"
INTERVAL = "500ms"
TO_FIND_SECONDS = 60
TO_ANSWER_SECONDS = 20
U = member_key(ALICE)
MUCH = 10**9

QUIET_PANELS = {"Failed requests by call", "Shadow refusals"}
"""Those that show nothing while all is well, and no limit is in shadow."""
QUIET_STATUSES = ('status=~"5.."', 'status="500"')
"""Series that there are only after a request has failed."""
QUIET_RECORDS = "job:astakos_http_errors:ratio_rate"
"""How the names of what is recorded of them begin."""


class Prometheus:
    """One that scrapes a service, and evaluates the rules."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, path: str, **parameters: str) -> Any:
        """What the HTTP API answers."""
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=TO_ANSWER_SECONDS) as answer:
            return json.load(answer)["data"]

    def finds(self, query: str) -> bool:
        """Whether a query has a result now."""
        return bool(self.ask("query", query=query)["result"])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, Caller]]:
    """With a service on SQLite that has a webhook."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("there is no Prometheus: `make deploy-tools` installs it")
    folder = tmp_path_factory.mktemp("prometheus")
    key = folder / "key"
    key.write_text("a key for the webhooks of a test\n")
    make_world(folder / "astakos.db")
    database = database_at(folder / "astakos.db")
    load(database, StateDocument(settings=Settings(webhook_networks=["127.0.0.1"])), LOADED)
    with webhook_receiver() as receiver, listen(LOOPBACK, 0) as free:
        assert astakos(database, "webhook", "add", receiver.url, "--webhook-key", str(key)).status == 0
        port = free.getsockname()[1]
        free.close()
        with serving(database, "--metrics-port", "0", "--webhook-key", str(key)) as served:
            configuration = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text("utf-8"))
            (job,) = configuration["scrape_configs"]
            job["scrape_interval"] = INTERVAL
            job["static_configs"][0]["targets"] = [urllib.parse.urlsplit(served.metrics_url).netloc]
            configuration["global"] = {"evaluation_interval": INTERVAL}
            (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
            shutil.copy(DEPLOY / "prometheus" / "astakos.rules.yaml", folder)
            with (folder / "log").open("wb") as log:
                process = subprocess.Popen(
                    [
                        program,
                        f"--config.file={folder}/prometheus.yaml",
                        f"--storage.tsdb.path={folder}/data",
                        f"--web.listen-address={LOOPBACK}:{port}",
                    ],
                    stdout=log,
                    stderr=log,
                )
            try:
                yield Prometheus(f"http://{LOOPBACK}:{port}"), served.caller
            finally:
                process.kill()
                process.wait(TO_ANSWER_SECONDS)
    database.close()


def work(caller: Caller) -> None:
    """Calls that succeed, are refused, and make no sense."""
    serial = caller.issued(COMPUTE_TOKEN, (U, 1))
    caller.act(COMPUTE_TOKEN, serial, "reject")
    assert caller.issue(COMPUTE_TOKEN, (U, MUCH)).status == 413
    assert caller.get("/nowhere").status == 404
    assert caller.get(f"{ACCOUNT}/quotas", UNKNOWN_TOKEN).status == 401


def wait_until_nothing_is_left(caller: Caller, left: Callable[[], list[str]]) -> None:
    """Uses the service until everything is found."""
    end = time.monotonic() + TO_FIND_SECONDS
    while True:
        work(caller)
        try:
            missing = left()
        except OSError as error:
            missing = [str(error)]
        if not missing:
            return
        assert time.monotonic() < end, missing
        time.sleep(0.1)


def test_each_panel_of_the_dashboard_shows_something(prometheus: tuple[Prometheus, Caller]) -> None:
    server, caller = prometheus
    document = json.loads((DEPLOY / "grafana" / "astakos.json").read_text("utf-8"))
    panels = {panel["title"]: panel["targets"] for panel in document["panels"] if panel["type"] != "row"}
    assert panels.keys() > QUIET_PANELS

    def empty() -> list[str]:
        return [
            title
            for title, targets in panels.items()
            if title not in QUIET_PANELS and not all(server.finds(asked(target)) for target in targets)
        ]

    def asked(target: dict[str, Any]) -> str:
        query: str = target["expr"].replace("$__rate_interval", "1m")
        return query.replace("$job", "astakos").replace("$instance", ".*")

    wait_until_nothing_is_left(caller, empty)
    for title in QUIET_PANELS:
        assert not [target for target in panels[title] if server.finds(asked(target))]
    for variable in document["templating"]["list"]:
        if variable["type"] == "query":
            (name,) = promql_names(variable["query"]["query"])
            assert server.finds(name)


def promql_names(query: str) -> list[str]:
    """The selector in a query of a variable, which is not PromQL."""
    inner = query.removeprefix("label_values(").rpartition(",")[0].replace("$job", "astakos")
    return [str(promql_parser.parse(inner))]


def test_all_that_the_rules_look_at_is_there_and_no_alert_fires_while_all_is_well(
    prometheus: tuple[Prometheus, Caller],
) -> None:
    server, caller = prometheus
    rules = yaml.safe_load((DEPLOY / "prometheus" / "astakos.rules.yaml").read_text("utf-8"))
    looked_at = {
        selector
        for group in rules["groups"]
        for rule in group["rules"]
        for selector in selectors(rule["expr"])
        if not selector.startswith(QUIET_RECORDS) and not any(status in selector for status in QUIET_STATUSES)
    }
    assert len(looked_at) > len(rules["groups"])
    wait_until_nothing_is_left(caller, lambda: [one for one in looked_at if not server.finds(one)])
    found = [rule for group in server.ask("rules")["groups"] for rule in group["rules"]]
    assert len(found) == sum(len(group["rules"]) for group in rules["groups"])
    assert [rule["name"] for rule in found if rule["health"] != "ok"] == []
    assert server.ask("alerts")["alerts"] == []
