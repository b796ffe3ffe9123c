"""Each alert has a runbook, of the same form, whose commands have been tried.

In `console` blocks, lines that begin with `$ astakos` are run on a database with something of everything that
the pages look for. Their examples of names and numbers stand for what is there.
"""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from astakos.events.event import OPERATOR, Event
from astakos.storage.protocol import Database
from astakos.storage.tables.deliveries import DeliveryState, claim, plan, settle
from astakos.storage.tables.destinations import Destination, add, disable
from astakos.storage.tables.events import record
from deploy.queries import complaints
from service.command import astakos
from service.installation import running
from service.world import ALICE, COMPUTE_TOKEN, member_key

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "runbooks"
INDEX = FOLDER.joinpath("README.md").read_text(encoding="utf-8")
RULES = yaml.safe_load(
    ROOT.joinpath("deploy", "prometheus", "astakos.rules.yaml").read_text(encoding="utf-8")
)
SEVERITIES = {
    rule["alert"]: rule["labels"]["severity"]
    for group in RULES["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
DASHBOARD = ROOT.joinpath("deploy", "grafana", "astakos.json").read_text(encoding="utf-8")
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in FOLDER.glob("Astakos*.md")}
SECTIONS = ["What it means", "How to see it", "What to do", "When to wake somebody"]
CONSOLE = re.compile(r"^ *```console\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^ *\$ (.+)$", re.MULTILINE)
QUERY = re.compile(r"`([^`\n]*\bastakos_\w+[^`\n]*)`")
WEBHOOK = "wh_5f2a9c0d1b7e4a63"
EXAMINE = (["doctor"], ["migrate", "--check"])
"""Their status says what they have found."""
OF_SYSTEMS = {
    "chronyc",
    "curl",
    "df",
    "du",
    "fuser",
    "journalctl",
    "ls",
    "ss",
    "systemctl",
    "timedatectl",
}


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for block in CONSOLE.findall(text) for line in COMMAND.findall(block)]


TRIED = sorted(
    {tuple(command[1:]) for text in PAGES.values() for command in commands(text) if command[0] == "astakos"}
)


def test_each_alert_has_a_page_and_each_page_an_alert() -> None:
    assert PAGES.keys() == SEVERITIES.keys()
    listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \| .+\. \|$", INDEX, re.MULTILINE)
    assert [(name, severity) for name, _, severity in listed] == list(SEVERITIES.items())
    assert all(name == file for name, file, _ in listed)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_form_of_all(name: str) -> None:
    text = PAGES[name]
    assert text.startswith(f"# {name}\n\nSeverity: {SEVERITIES[name]}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    _, *parts = re.split(r"^## .+$", text, flags=re.MULTILINE)
    assert all(part.strip() for part in parts)


@pytest.mark.parametrize("name", PAGES)
def test_programs_that_a_page_runs_are_known(name: str) -> None:
    assert {command[0] for command in commands(PAGES[name])} <= OF_SYSTEMS | {"astakos"}


def test_what_pages_look_for_in_the_log_is_written_there() -> None:
    source = "".join(file.read_text("utf-8") for file in ROOT.joinpath("src", "astakos").rglob("*.py"))
    wanted = {
        part
        for text in PAGES.values()
        for command in commands(text)
        if command[:3] == ["journalctl", "--unit", "astakos"] and "--grep" in command
        for part in command[command.index("--grep") + 1].split("|")
        if " " in part and '"' not in part
    }
    assert len(wanted) > 5
    assert [part for part in wanted if part not in source] == []


@pytest.mark.parametrize("name", PAGES)
def test_queries_of_a_page_name_metrics_that_there_are(name: str) -> None:
    for query in QUERY.findall(PAGES[name]):
        if "(" in query:
            assert [one for one in complaints(query, {}) if "only its rate" not in one] == []


@pytest.mark.parametrize("name", PAGES)
def test_panels_that_a_page_names_are_on_the_dashboard(name: str) -> None:
    sentences = re.findall(r"[^.\n]*(?:\n[^.\n]+)*\b(?:dashboard|panels?)\b[^.]*", PAGES[name])
    for panel in {found for one in sentences for found in re.findall(r"\*([A-Z][^*]+)\*", one)}:
        assert f'"title": "{" ".join(panel.split())}"' in DASHBOARD, panel


@pytest.fixture
def scene(database: Database) -> dict[str, str]:
    """What stands for the examples in the pages: two pending commissions, a webhook, deliveries given up."""
    with running(database) as caller:
        serials = [caller.issued(COMPUTE_TOKEN, (member_key(ALICE), 1)) for _ in range(2)]
    with database.transaction() as connection:
        number = record(connection, Event("project.suspended", OPERATOR), 0)
        add(connection, Destination(WEBHOOK, "https://example.org/", (), 1, None, 0, number))
        plan(connection, WEBHOOK, [(number, ""), (number, "")], 0)
        claimed = claim(connection, WEBHOOK, 0, 1)
        assert claimed is not None
        settle(connection, claimed, DeliveryState.DEAD, 0, 0, "answered 500")
        disable(connection, WEBHOOK, 1)
    return {"1042": str(serials[0]), "1043": str(serials[1]), "17": str(claimed.id)}


def test_there_is_something_to_try() -> None:
    assert len(TRIED) > 25


@pytest.mark.parametrize("command", TRIED, ids=" ".join)
def test_commands_of_the_pages_do_what_they_say(
    command: tuple[str, ...], database: Database, scene: dict[str, str]
) -> None:
    arguments = [scene.get(word, word) for word in command]
    done = astakos(database, *arguments)
    if arguments in map(list, EXAMINE):
        assert done.status in {0, 1, 2}
        assert done.output
        assert not done.errors
    else:
        assert (done.status, done.errors) == (0, "")
        assert done.output
