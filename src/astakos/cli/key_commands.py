"""`astakos key`: manages the API keys of users, on the database."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import click

from astakos import clock
from astakos.administration.accounts import find_user
from astakos.administration.key_changes import (
    LONGEST_OVERLAP,
    USUAL_OVERLAP,
    MadeKey,
    Wanted,
    change_key,
    find_key,
    make_key,
    revoke_key,
    rotate_key,
)
from astakos.administration.key_quotas import told_limits
from astakos.administration.named_projects import find_project
from astakos.administration.state_document import StateError
from astakos.cli.acting import reason_option
from astakos.cli.durations import Duration
from astakos.cli.given_limits import GivenLimit, limit_option, limits_in_units
from astakos.cli.instants import INSTANT
from astakos.cli.key_limits import columns_of, limits_of_key
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts, print_rows, table_options
from astakos.cli.shown_values import Amount, moment
from astakos.clock import MICROSECONDS
from astakos.directory.api_keys import ApiKey, prefix_of
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys, key_holdings, registry, users
from astakos.storage.tables.api_keys import Owned

F = TypeVar("F", bound=Callable[..., Any])


def key_only_option(function: F) -> F:
    """Adds `--key-only`, for a command that prints a new key among other facts."""
    return click.option(
        "--key-only", is_flag=True, help="Print nothing but the key, for a variable of the shell."
    )(function)


@click.command()
@click.argument("user")
@click.option("--name", required=True, help="What the key is for.")
@click.option("--expires", type=INSTANT, help="When it ends.  [default: never]")
@click.option(
    "--service", "services", multiple=True, help="A service that accepts it.  Repeatable.  [default: all]"
)
@click.option(
    "--call",
    "calls",
    multiple=True,
    help="An area of the API (quotas) or a call (quotas.periods) that it may make. Repeatable.  "
    "[default: all, or none if a service is named]",
)
@click.option(
    "--network",
    "networks",
    multiple=True,
    help="A network (192.0.2.0/24) or an address that it may be used from. Repeatable.  [default: all]",
)
@click.option("--project", help="The only project that it may draw from, by UUID or name.")
@limit_option("A resource or meter and how much of it may be charged with the key.  Repeatable.")
@database_option
@json_option
@key_only_option
def add(
    user: str,
    name: str,
    expires: int | None,
    services: tuple[str, ...],
    calls: tuple[str, ...],
    networks: tuple[str, ...],
    project: str | None,
    given: tuple[GivenLimit, ...],
    database_url: str,
    as_json: bool,
    key_only: bool,
) -> None:
    """Make a key of USER (an email address or uuid), and print it. It is not shown again."""

    def change(connection: Connection) -> MadeKey:
        wanted = Wanted(
            name,
            expires,
            services or None,
            calls or None,
            networks or None,
            None if project is None else find_project(connection, project).uuid,
            limits_in_units(given, registry.scales(connection)),
        )
        return make_key(connection, OPERATOR, find_user(connection, user), wanted, clock.now())

    database = open_database(database_url)
    made = database.change(change)
    _print_new(made, registry.scales(database.reader()), as_json=as_json, key_only=key_only)


@click.command("list")
@click.argument("user", required=False)
@database_option
@table_options
def list_(user: str | None, database_url: str, as_json: bool, wide: bool) -> None:
    """List the keys of USER, or all keys, without their secrets."""
    reader = open_database(database_url).reader()
    if user is None:
        owned = list(api_keys.list_keys(reader))
    else:
        account = find_user(reader, user)
        owned = [Owned(account.uuid, one) for one in api_keys.list_of_user(reader, account.id)]
    emails = users.names_of(reader, (one.user for one in owned))
    rows = [{"user": emails.get(one.user, one.user), **_facts(one.key)} for one in owned]
    columns = ("prefix", "name", "user", "state", "expires", "last_used", "project")
    droppable = ("project", "last_used", "expires", "user")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=droppable)


@click.command()
@click.argument("prefix")
@database_option
@json_option
def show(prefix: str, database_url: str, as_json: bool) -> None:
    """Show the key that begins with PREFIX, or is given as a whole."""
    reader = open_database(database_url).reader()
    owned = find_key(reader, _prefix(prefix))
    found = users.find_by_uuid(reader, owned.user)
    facts: dict[str, Any] = {
        "user": owned.user if found is None else found.email,
        **_told(
            owned.key,
            key_holdings.limits_of(reader, owned.user, owned.key.prefix),
            registry.scales(reader),
            as_json=as_json,
        ),
    }
    facts["secrets"] = [
        {"created": moment(one.created), "expires": moment(one.expires)}
        for one in api_keys.list_secrets(reader, owned.key.id)
    ]
    if not as_json:
        facts["secrets"] = len(facts["secrets"])
    print_facts(facts, as_json=as_json)


@click.command()
@click.argument("prefix")
@limit_option("A new limit, for example llm.tokens/month=10000; `unlimited` removes it.  Repeatable.")
@database_option
@table_options
def limits(prefix: str, given: tuple[GivenLimit, ...], database_url: str, as_json: bool, wide: bool) -> None:
    """Show what may be charged with the key PREFIX, and what is in use; with --limit, set limits before.

    They count at once.
    """
    database = open_database(database_url)
    if given:

        def change(connection: Connection) -> None:
            owned = find_key(connection, _prefix(prefix))
            known, wanted = owned.key, limits_in_units(given, registry.scales(connection))
            same = Wanted(known.name, known.expires, known.services, known.calls, known.networks)
            change_key(connection, OPERATOR, owned, replace(same, limits=wanted), clock.now())

        database.change(change)
    reader = database.reader()
    rows = list(limits_of_key(reader, find_key(reader, _prefix(prefix))))
    print_rows(rows, columns_of(rows), as_json=as_json, wide=wide, droppable=("pending",))


@click.command()
@click.argument("prefix")
@click.option(
    "--overlap",
    type=Duration(LONGEST_OVERLAP),
    default=f"{USUAL_OVERLAP // MICROSECONDS}s",
    show_default="1d",
    help="For how long the present key is still valid, for example 24h.",
)
@database_option
@json_option
@key_only_option
def rotate(prefix: str, overlap: int, database_url: str, as_json: bool, key_only: bool) -> None:
    """Give the key PREFIX a new secret, and print the new key. It is not shown again.

    Its prefix, its name and its limits stay. The present key is still valid for the overlap.
    """

    def change(connection: Connection) -> MadeKey:
        owned = find_key(connection, _prefix(prefix))
        return rotate_key(connection, OPERATOR, owned, clock.now(), overlap)

    database = open_database(database_url)
    made = database.change(change)
    _print_new(made, registry.scales(database.reader()), as_json=as_json, key_only=key_only)


@click.command()
@click.argument("prefixes", metavar="PREFIX...", nargs=-1, required=True)
@reason_option
@database_option
def revoke(prefixes: tuple[str, ...], reason: str, database_url: str) -> None:
    """Revoke keys, by prefix or as a whole. They are valid no longer."""

    def change(connection: Connection) -> list[str]:
        revoked = []
        for text in prefixes:
            owned = find_key(connection, _prefix(text))
            revoke_key(connection, OPERATOR, owned, clock.now(), reason)
            revoked.append(owned.key.prefix)
        return revoked

    if len(set(prefixes)) < len(prefixes):
        raise StateError("name each key once")
    for prefix in open_database(database_url).change(change):
        click.echo(f"Revoked {prefix}.")


def _prefix(text: str) -> str | None:
    """Returns the prefix of a key that is named by it, or as a whole; None if none is named."""
    return prefix_of(text.rpartition("_")[0]) or prefix_of(text)


def _print_new(made: MadeKey, scales: Mapping[str, int], *, as_json: bool, key_only: bool) -> None:
    if key_only:
        click.echo(made.text)
        return
    facts = _told(made.key, made.limits, scales, as_json=as_json)
    print_facts({"key": made.text, **facts}, as_json=as_json)


def _told(
    one: ApiKey, limits: Mapping[str, int | None], scales: Mapping[str, int], *, as_json: bool
) -> dict[str, Any]:
    """Returns the facts about one key; for people, in words what it is limited to."""
    facts = {**_facts(one), "limits": told_limits(limits)}
    if not as_json:
        shown = [
            f"{resource}={Amount(limit, scales.get(resource, 0))}"
            for resource, limit in facts["limits"].items()
        ]
        facts["limits"] = shown or "none"
        for name in ("services", "calls", "networks", "project"):
            facts[name] = "all" if facts[name] is None else facts[name] or "none"
    return facts


def _facts(one: ApiKey) -> dict[str, Any]:
    return {
        "prefix": one.prefix,
        "name": one.name,
        "state": "expired" if one.has_expired(clock.now()) else "valid",
        "project": one.project,
        "services": _names(one.services),
        "calls": _names(one.calls),
        "networks": _names(one.networks),
        "created": moment(one.created),
        "expires": moment(one.expires),
        "last_used": moment(one.last_used),
        "creator": one.creator,
    }


def _names(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)
