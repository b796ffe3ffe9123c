"""The pages that are made from the code have all of it."""

import json
from pathlib import Path

import pytest
from tools.documentation.reference.command_pages import command_pages
from tools.documentation.reference.http_pages import UnknownMarkupError, http_pages, markdown_of
from tools.documentation.reference.metric_page import metric_page
from tools.documentation.reference.setting_page import setting_page

from astakos.administration.runtime_settings import MEANINGS
from astakos.cli import COMMANDS, main
from astakos.server.limits import Limits

ROOT = Path(__file__).parents[3]


def test_each_command_has_a_page_with_its_commands_and_options() -> None:
    pages = command_pages(main)
    assert pages.keys() == {"index", *COMMANDS}
    assert "## `astakos user add`" in pages["user"]
    assert "--queue-limit" in pages["serve"]
    assert all(f"({name}.md)" in pages["index"] for name in COMMANDS)


def test_each_call_and_each_schema_is_there() -> None:
    document = json.loads(ROOT.joinpath("docs", "openapi.json").read_text(encoding="utf-8"))
    pages = http_pages(document)
    for path in document["paths"]:
        assert f"{path}`](" in pages["index"], path
    for name in document["components"]["schemas"]:
        assert f"\n## {name}\n" in pages["schemas"], name


def test_the_words_of_the_service_become_markdown() -> None:
    html = 'array of <a href="#UserInfo">UserInfo</a> or <code>a|b &lt;c&gt;</code><br>x_y'
    assert markdown_of(html) == r"array of [UserInfo](schemas.md#userinfo) or `a|b <c>`<br>x\_y"
    with pytest.raises(UnknownMarkupError):
        markdown_of("<em>x</em>")


def test_each_setting_and_each_limit_is_there() -> None:
    page = setting_page()
    assert all(f"| `{name}` |" in page for name in (*MEANINGS, *Limits.__struct_fields__))
    assert "env var: `ASTAKOS_LIMITS`" in page


def test_each_metric_is_there_as_monitoring_names_it() -> None:
    monitoring = ROOT.joinpath("docs", "monitoring.md").read_text(encoding="utf-8")
    told = {line.split("`")[1] for line in monitoring.splitlines() if line.startswith("| `astakos_")}
    page = metric_page()
    assert told
    assert {name for name in told if f"| `{name}` |" not in page} == set()
    assert "| `astakos_http_requests_total` | counter | number | `route`, `method`, `status` |" in page
