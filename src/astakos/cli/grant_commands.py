"""`astakos grant`: amounts of a resource besides the limits of its periods, on the database."""

from typing import Any

import click

from astakos import clock
from astakos.administration.accounts import find_user_if_any
from astakos.administration.grants import GrantPlace, Terms, add_grant, place_of, revoke_grant
from astakos.administration.journal import Journal
from astakos.administration.named_projects import find_project, find_project_as_holder
from astakos.administration.state_document import StateError
from astakos.cli.acting import reason_option
from astakos.cli.instants import INSTANT
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts, print_rows, table_options
from astakos.cli.quantities import GRANTED, GivenAmount, shown
from astakos.cli.shown_values import Amount, moment
from astakos.events.event import OPERATOR
from astakos.ledger.grants import MOST_PRIORITY, NEVER, USUAL_PRIORITY
from astakos.projects.limits import project_holder, user_holder
from astakos.storage.protocol import Connection
from astakos.storage.tables import grants, projects, registry, users
from astakos.storage.tables.grants import Standing, StoredGrant

COLUMNS = ("number", "user", "project", "resource", "amount", "left", "starts", "expires", "state", "note")
LESS_IMPORTANT = ("note", "starts", "project", "state")


@click.group()
def grant() -> None:
    """Give amounts of a resource besides the limits of its periods; docs/guide/budgets.md has examples."""


@grant.command()
@click.argument("holder", metavar="USER|PROJECT")
@click.argument("resource")
@click.argument("amount", type=GRANTED)
@click.option("--project", metavar="PROJECT", help="The project in which the USER, a member, has it.")
@click.option(
    "--priority",
    type=click.IntRange(0, MOST_PRIORITY),
    default=USUAL_PRIORITY,
    show_default=True,
    help="Of grants that expire at the same time, the one with the lowest is used first.",
)
@click.option("--starts", type=INSTANT, help="From when on it can be used.  [default: now]")
@click.option("--expires", type=INSTANT, help="Until when it can be used.  [default: it does not expire]")
@click.option(
    "--lifts",
    multiple=True,
    metavar="METER",
    help="The limit that it lifts, for example month. Repeatable.  [default: those of all periods, no rates]",
)
@click.option("--note", default="", help="A note for people.")
@database_option
@json_option
def add(
    holder: str,
    resource: str,
    amount: GivenAmount,
    project: str | None,
    priority: int,
    starts: int | None,
    expires: int | None,
    lifts: tuple[str, ...],
    note: str,
    database_url: str,
    as_json: bool,
) -> None:
    """Give a USER or a PROJECT an AMOUNT of RESOURCE, which is used when the limits of its periods are.

    It is there once: no period renews it. It is used in the order of expiry, then of priority. A member's
    grant does not lift the limits of their project, but a user has their own project alone.
    """
    now = clock.now()
    begins = now if starts is None else starts
    ends = NEVER if expires is None else expires
    if ends <= now:
        raise click.UsageError("--expires is over already.")

    def change(connection: Connection) -> dict[str, Any]:
        quantity = amount.quantity(resource, registry.scales(connection).get(resource, 0))
        place = _place(connection, holder, project, resource)
        terms = Terms(quantity, begins, ends, priority, lifts or None, note)
        with Journal(connection, OPERATOR, now) as journal:
            number = add_grant(connection, journal, place, terms, now)
        return _facts(connection, grants.find(connection, number)[0], now)

    print_facts(open_database(database_url).change(change), as_json=as_json)


@grant.command("list")
@click.argument("holder", metavar="[USER|PROJECT]", required=False)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many to list."
)
@database_option
@table_options
def list_(holder: str | None, limit: int, database_url: str, as_json: bool, wide: bool) -> None:
    """List the grants of a USER or a PROJECT, the newest first.

    Without one, list the grants of everybody that are neither used up nor revoked.
    """
    reader, now = open_database(database_url).reader(), clock.now()
    if holder is None:
        found = grants.list_open(reader, most=limit)
    else:
        found = grants.list_of_holder(reader, _holder(reader, holder), most=limit)
    rows = [_facts(reader, one, now) for one in found]
    print_rows(rows, COLUMNS, as_json=as_json, wide=wide, droppable=LESS_IMPORTANT)


@grant.command()
@click.argument("number", metavar="NUMBER", type=click.IntRange(1, 2**63 - 1))
@database_option
@json_option
def show(number: int, database_url: str, as_json: bool) -> None:
    """Show the grant with this NUMBER."""
    reader = open_database(database_url).reader()
    found = grants.find(reader, number)
    if not found:
        raise StateError(f"there is no grant {number}; `astakos grant list` shows them")
    print_facts(_facts(reader, found[0], clock.now()), as_json=as_json)


@grant.command()
@click.argument("number", metavar="NUMBER", type=click.IntRange(1, 2**63 - 1))
@reason_option
@database_option
def revoke(number: int, reason: str, database_url: str) -> None:
    """Take back what is left of the grant with this NUMBER. What was used of it, or is pending, stays so."""
    now = clock.now()

    def change(connection: Connection) -> str:
        with Journal(connection, OPERATOR, now) as journal:
            revoked = revoke_grant(connection, journal, number, reason=reason)
        resource = place_of(revoked.key).resource
        left = shown(revoked.left, registry.scales(connection).get(resource, 0))
        return f"Revoked grant {number}, of which {left} of {resource} were left."

    click.echo(open_database(database_url).change(change))


def _place(connection: Connection, holder: str, project: str | None, resource: str) -> GrantPlace:
    user = find_user_if_any(connection, holder)
    if user is None:
        if project is not None:
            raise StateError(f"there is no user {holder!r}; name one by UUID or whole email address")
        return GrantPlace(None, find_project_as_holder(connection, holder).uuid, resource)
    shared = None if project is None else find_project(connection, project).uuid
    return GrantPlace(user.uuid, None if shared == user.uuid else shared, resource)


def _holder(connection: Connection, name: str) -> str:
    user = find_user_if_any(connection, name)
    if user is not None:
        return user_holder(user.uuid)
    return project_holder(find_project_as_holder(connection, name).uuid)


def _facts(reader: Connection, one: StoredGrant, now: int) -> dict[str, Any]:
    place = place_of(one.key)
    scale = registry.scales(reader).get(place.resource, 0)
    user = place.user and users.find_by_uuid(reader, place.user)
    project = place.project and projects.find(reader, place.project)
    state = one.state_at(now)
    return {
        "number": one.number,
        "user": user.email if user else place.user,
        "project": project.name if project else place.project,
        "resource": place.resource,
        "amount": Amount(one.holding.limit, scale),
        "left": Amount(0 if state is Standing.EXPIRED else one.left, scale),
        "pending": Amount(one.holding.pending, scale),
        "starts": moment(one.starts),
        "expires": None if one.expires == NEVER else moment(one.expires),
        "priority": one.priority,
        "lifts": None if one.lifts is None else list(one.lifts),
        "state": state.value,
        "note": one.note,
    }
