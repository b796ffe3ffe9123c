"""`astakos quota show`, `set` and `periods`: quotas of users and projects, on the database."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import click

from astakos import clock
from astakos.administration.accounts import find_user_if_any
from astakos.administration.key_changes import find_key
from astakos.administration.limit_previews import preview_limit
from astakos.administration.member_limits import set_member_limit
from astakos.administration.named_projects import find_project, find_project_as_holder
from astakos.administration.state_document import StateError
from astakos.administration.unusable_meters import find_unusable_meters
from astakos.administration.user_limits import set_capacity
from astakos.cli.key_limits import columns_of, limits_of_key
from astakos.cli.limit_preview import told_preview
from astakos.cli.options import database_option, open_database
from astakos.cli.output import print_rows, table_options
from astakos.cli.project_limits import LIMITS, limits_of
from astakos.cli.quantities import AMOUNT, GivenAmount, shown
from astakos.cli.shown_values import Amount, moment
from astakos.cli.unusable_meters import warn_of_unusable
from astakos.directory.api_keys import PREFIX
from astakos.directory.entities import User
from astakos.events.event import OPERATOR
from astakos.projects.project import Capacity
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, quotas, registry
from astakos.storage.tables.grant_figures import ShownGrant
from astakos.storage.tables.meters import find_definitions
from astakos.storage.tables.periods import PeriodUsage, periods_of, periods_of_key, periods_of_project

FIGURES = ("usage", "pending", "limit", "project_usage", "project_pending", "project_limit")
LESS_IMPORTANT = ("project_pending", "project_usage", "project_limit", "pending", "name")
OF_PERIODS: tuple[str, ...] = ("start", "end", "used", "is_over")
NO_CHANGE = "Nothing has changed."
SYSTEM = "system"
"""The name that is shown of a user's own project, whose name repeats the user's uuid."""


@click.command()
@click.argument("holder", metavar="USER|PROJECT|KEY")
@database_option
@table_options
def show(holder: str, database_url: str, as_json: bool, wide: bool) -> None:
    """Show limits and usage of a USER in each project, of a PROJECT, or of an API KEY.

    A user is named by email address or uuid, a project by uuid or name, a key by its prefix. What is left of
    the grants of a user is shown in the column `granted`; `astakos grant list` shows each.
    """
    reader = open_database(database_url).reader()
    if PREFIX.fullmatch(holder):
        of_key = list(limits_of_key(reader, find_key(reader, holder)))
        print_rows(of_key, columns_of(of_key), as_json=as_json, wide=wide, droppable=("pending",))
        return
    known = find_user_if_any(reader, holder)
    if known is None:
        shared = list(limits_of(reader, find_project_as_holder(reader, holder)))
        print_rows(shared, LIMITS, as_json=as_json, wide=wide, droppable=("pending",))
        return
    scales = registry.scales(reader)
    all_found = list(quotas.service_quotas(reader, scales, [known.uuid], None, clock.now()))
    names = {uuid: _name(reader, uuid) for uuid in {found.project for found in all_found}}
    rows = []
    for found in all_found:
        member, project = found.member_level, found.project_level
        figures = {
            "usage": member.usage_max,
            "pending": member.pending,
            "limit": member.limit,
            "project_usage": project.usage_max,
            "project_pending": project.pending,
            "project_limit": project.limit,
        }
        scale = scales[found.resource]
        rows.append(
            {
                "project": found.project,
                "name": names[found.project],
                "resource": found.resource,
                **{name: Amount(figure, scale) for name, figure in figures.items()},
                "resets": moment(found.period.resets) if found.period else None,
                **({"granted": Amount(_left(found.grants), scale)} if found.grants else {}),
            }
        )
    more = [name for name in ("resets", "granted") if any(row.get(name) for row in rows)]
    columns = ("project", "name", "resource", *FIGURES, *more)
    if not as_json:
        rows = [dict.fromkeys(columns) | row for row in rows]
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=LESS_IMPORTANT)


def _left(found: Iterable[ShownGrant]) -> int:
    return sum(grant.left for grant in found)


def _name(reader: Connection, uuid: str) -> str:
    project = projects.find(reader, uuid)
    return SYSTEM if project is None or project.system_project else project.name


@click.command()
@click.argument("holder", metavar="USER|PROJECT|KEY")
@click.argument("resource")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many periods to show."
)
@database_option
@table_options
def periods(holder: str, resource: str, limit: int, database_url: str, as_json: bool, wide: bool) -> None:
    """Show what USER has used of RESOURCE, for example llm.tokens/month, in each period.

    A PROJECT, named by uuid or name, has used what all its members have used from it together. An API KEY,
    named by its prefix, has used it in all projects together.
    """
    reader = open_database(database_url).reader()
    if resource not in find_definitions(reader):
        raise StateError(
            f"{resource!r} is not a meter; `astakos resource list` shows them with their periods"
        )
    now, scale = clock.now(), registry.scales(reader).get(resource, 0)
    columns = OF_PERIODS
    if PREFIX.fullmatch(holder):
        user, key = find_key(reader, holder)
        found = periods_of_key(reader, user, key.prefix, resource, before=None, most=limit, now=now)
    elif (known := find_user_if_any(reader, holder)) is not None:
        found = periods_of(reader, known.uuid, resource, before=None, most=limit, now=now)
        columns = ("project", "name", *OF_PERIODS)
    else:
        shared = find_project_as_holder(reader, holder).uuid
        found = periods_of_project(reader, shared, resource, before=None, most=limit, now=now)
    names = {uuid: _name(reader, uuid) for uuid in {one.project for one in found} if uuid is not None}
    rows = [_of_period(one, names, scale) for one in found]
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("name",))


def _of_period(one: PeriodUsage, names: Mapping[str, str], scale: int) -> dict[str, object]:
    project = {} if one.project is None else {"project": one.project, "name": names[one.project]}
    start, end, used = moment(one.start), moment(one.end), Amount(one.used, scale)
    return {**project, "start": start, "end": end, "used": used, "is_over": one.is_over}


@click.command("set")
@click.argument("holder", metavar="USER|PROJECT")
@click.argument("resource")
@click.argument("limit", type=AMOUNT, required=False)
@click.option(
    "--project", metavar="PROJECT", help="The project in which the USER, a member, may have LIMIT alone."
)
@click.option("--member-limit", type=AMOUNT, help="The limit of each member of PROJECT.  [default: as it is]")
@click.option("--preview", is_flag=True, help="Only say what LIMIT would do to the USER.")
@database_option
def set_(
    holder: str,
    resource: str,
    limit: GivenAmount | None,
    project: str | None,
    member_limit: GivenAmount | None,
    preview: bool,
    database_url: str,
) -> None:
    """Set the LIMIT of RESOURCE for a USER or a PROJECT.

    LIMIT is a number like 20 or 10G, or `unlimited`; of a resource with a scale, an amount like 12.5. That of
    a user (an email address or uuid) is the limit of their system project, or with --project, of this member
    alone. A project is named by uuid or name; its members share its limit, and each has the --member-limit.
    Existing usage stays, even above the limit.
    """
    if limit is None and member_limit is None:
        raise click.UsageError("Give a LIMIT, or for a project --member-limit.")

    now = clock.now()

    def change(connection: Connection) -> str:
        user = find_user_if_any(connection, holder)
        scale = registry.scales(connection).get(resource, 0)
        whole, each = (given and given.quantity(resource, scale) for given in (limit, member_limit))
        if user is None:
            if project is not None:
                raise StateError(f"there is no user {holder!r}; name one by UUID or whole email address")
            return _set_for_project(connection, holder, resource, scale, Change(whole, each), now)
        if whole is None or each is not None:
            raise click.UsageError("--member-limit is for projects that users share.")
        if preview:
            return told_preview(user, resource, scale, preview_limit(connection, user, resource, whole, now))
        if project is not None:
            return _set_for_member(connection, user, project, resource, scale, whole, now)
        if not set_capacity(connection, OPERATOR, user.uuid, resource, Capacity(whole, whole), now):
            return f"{user.email} may have {shown(whole, scale)} of {resource} already. {NO_CHANGE}"
        return f"{user.email} may now have {shown(whole, scale)} of {resource}."

    database = open_database(database_url)
    if preview and (project is not None or find_user_if_any(database.reader(), holder) is None):
        raise click.UsageError("--preview is about the limit of a USER in their own project.")
    click.echo(change(database.reader()) if preview else database.change(change))
    reader = database.reader()
    if find_user_if_any(reader, holder) is None:
        of = find_project_as_holder(reader, holder)
        warn_of_unusable(of.name, find_unusable_meters(reader, of.uuid))


class Change(NamedTuple):
    """New limits for a project and for each member; None leaves one as it is."""

    project: int | None
    member: int | None


def _set_for_member(
    connection: Connection, user: User, name: str, resource: str, scale: int, limit: int, now: int
) -> str:
    project = find_project(connection, name)
    if not set_member_limit(connection, OPERATOR, project, user, resource, limit, now):
        place = f"{resource} in {project.name}"
        return f"{user.email} may have {shown(limit, scale)} of {place} already. {NO_CHANGE}"
    of_each = projects.capacities_of(connection, project.uuid)[resource].member
    smaller = ""
    if limit > of_each:
        smaller = f"; each member may have {shown(of_each, scale)}, and the smaller limit counts"
    return f"{user.email} may now have {shown(limit, scale)} of {resource} in {project.name}{smaller}."


def _set_for_project(
    connection: Connection,
    name: str,
    resource: str,
    scale: int,
    change: Change,
    now: int,
) -> str:
    project = find_project_as_holder(connection, name)
    known = projects.capacities_of(connection, project.uuid).get(resource, Capacity(0, 0))
    capacity = Capacity(
        known.project if change.project is None else change.project,
        known.member if change.member is None else change.member,
    )
    if change.member is None and capacity.member > capacity.project:
        raise StateError(
            f"each member may have {shown(capacity.member, scale)} of {resource}, which is more than "
            f"{shown(capacity.project, scale)} for the whole project; give --member-limit, too"
        )
    if not set_capacity(connection, OPERATOR, project.uuid, resource, capacity, now):
        return f"{project.name} has these limits of {resource} already. {NO_CHANGE}"
    return (
        f"{project.name} may now have {shown(capacity.project, scale)} of {resource}, "
        f"and each member {shown(capacity.member, scale)}."
    )
