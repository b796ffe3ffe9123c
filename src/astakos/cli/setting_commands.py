"""`astakos setting`: the settings that can be changed while the service runs."""

from typing import Any

import click

from astakos import clock
from astakos.administration.runtime_settings import (
    KnownSetting,
    change_setting,
    find_setting,
    list_settings,
    value_of,
)
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts, print_rows, table_options
from astakos.events.event import OPERATOR

LONGEST_SHOWN = 40


@click.group()
def setting() -> None:
    """List, show and change settings."""


@setting.command("list")
@database_option
@table_options
def list_(database_url: str, as_json: bool, wide: bool) -> None:
    """List all settings with their values, types and meanings."""
    rows = [_facts(known) for known in list_settings(open_database(database_url).reader())]
    if not as_json:
        for row in rows:
            row["value"] = _short(row["value"])
    columns = ("name", "value", "is_set", "type", "meaning")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("meaning", "type"))


@setting.command()
@click.argument("name")
@database_option
@json_option
def show(name: str, database_url: str, as_json: bool) -> None:
    """Show the setting NAME."""
    print_facts(_facts(find_setting(open_database(database_url).reader(), name)), as_json=as_json)


@setting.command("set")
@click.argument("name")
@click.argument("values", metavar="VALUE...", nargs=-1)
@database_option
def set_(name: str, values: tuple[str, ...], database_url: str) -> None:
    """Set NAME to VALUE. A list takes any number of values, which replace those that there are."""
    value = value_of(name, values)
    _change(database_url, name, value)


@setting.command()
@click.argument("name")
@database_option
def unset(name: str, database_url: str) -> None:
    """Let the default of the setting NAME count again."""
    _change(database_url, name, None)


def _change(database_url: str, name: str, value: Any) -> None:
    now = clock.now()
    known = open_database(database_url).change(
        lambda connection: change_setting(connection, OPERATOR, name, value, now)
    )
    click.echo(f"{name} is now {_short(known.value)}{'' if known.is_set else ', the default'}.")
    if known.meaning.at_start:
        click.echo("The service reads this when it starts: restart it.")


def _short(value: Any) -> str:
    match value:
        case None:
            return "unset"
        case bool():
            return "yes" if value else "no"
        case list():
            text = ", ".join(map(str, value)) or "empty"
        case _:
            text = " ".join(str(value).split()) or "empty"
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def _facts(known: KnownSetting) -> dict[str, Any]:
    return {
        "name": known.name,
        "value": known.value,
        "is_set": known.is_set,
        "default": known.meaning.default,
        "type": known.kind,
        "meaning": known.meaning.text,
        "needs_restart": known.meaning.at_start,
    }
