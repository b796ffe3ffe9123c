"""The page about all that can be set: settings, options of `astakos serve`, limits of its HTTP server."""

import inspect
import json
import re
from typing import Any

import click
from tools.documentation.markdown import code, page, prose, table
from tools.documentation.reference.command_pages import options_of

from astakos.administration.runtime_settings import MEANINGS, kind_of
from astakos.cli.serve_command import serve
from astakos.server.limits import Limits

FIELD = re.compile(r"^    (\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)


def setting_page() -> str:
    """Returns the page."""
    settings = [
        (
            code(name),
            prose(meaning.text),
            prose(kind_of(name)),
            _shown(meaning.default),
            "yes" if meaning.at_start else "",
        )
        for name, meaning in MEANINGS.items()
    ]
    meanings = dict(FIELD.findall(inspect.getdoc(Limits) or ""))
    limits = [
        (code(name), prose(" ".join(meanings[name].split())), code(f"{getattr(Limits(), name):g}"))
        for name in Limits.__struct_fields__
    ]
    context = click.Context(serve, info_name="astakos serve")
    return page(
        "# Settings",
        "What can be set, where, and what counts if it is not.",
        "## In the database",
        "`astakos setting set NAME VALUE` changes one, `astakos setting list` shows all with what counts now,"
        " and the document of [`astakos load`](../state.md) can have them. A change counts within a second;"
        " those with a “yes” need a restart.",
        table(("Setting", "Meaning", "Takes", "Default", "Restart"), settings),
        "## When the service starts",
        "The options of `astakos serve`. Where a variable of the environment is named, it can have the value"
        " instead.",
        options_of(context, serve),
        "## Limits of the HTTP server",
        "`astakos serve --limit NAME=NUMBER` sets one. Times are in seconds, sizes in bytes.",
        table(("Limit", "Meaning", "Default"), limits),
    )


def _shown(default: Any) -> str:
    if default is None or default == "":
        return "none"
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, list | tuple):
        return ", ".join(code(str(one)) for one in default) or "none"
    return code(default if isinstance(default, str) else json.dumps(default))
