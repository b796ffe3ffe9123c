"""`astakos project list`, `show`, `usage` and `events`: what there is to know about projects."""

from dataclasses import fields
from typing import Any

import click

from astakos import clock
from astakos.administration.accounts import find_user
from astakos.administration.named_projects import STANDING, find_project
from astakos.administration.unknown_resources import no_such_resource
from astakos.cli.audit_commands import print_events
from astakos.cli.options import database_option, open_database
from astakos.cli.output import print_facts, print_rows, table_options
from astakos.cli.project_limits import LIMITS, limits_of
from astakos.cli.quantities import shown
from astakos.cli.shown_values import Amount, moment
from astakos.cli.whole_numbers import ROWS
from astakos.projects.project import Application, ApplicationState, Project, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.tables import (
    memberships,
    nested_projects,
    project_applications,
    project_overview,
    projects,
    registry,
    users,
)
from astakos.storage.tables.events import Wanted
from astakos.storage.tables.project_usage import BY_MEMBER, BY_USAGE, MemberUsage, read_usage

COLUMNS = ("name", "uuid", "state", "owner", "members", "max_members", "pending_application", "end_date")
ORDERS = {"member": BY_MEMBER, "usage": BY_USAGE}
UNFINISHED = (ApplicationState.PENDING, ApplicationState.DENIED)
"""Somebody has to decide about an application in one of these states, or to put it away."""
INSTANTS = ("submitted", "start_date", "end_date")


@click.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in ProjectState]),
    help="Only projects in this state. Repeatable.  [default: all that have not ended]",
)
@click.option("--owner", metavar="USER", help="Only projects of this user.")
@click.option("--member", metavar="USER", help="Only projects that this user is a member of.")
@click.option("--parent", metavar="PROJECT", help="Only projects directly within this one.")
@click.option(
    "--pending", "only_pending", is_flag=True, help="Only projects with an application to decide about."
)
@database_option
@table_options
def list_(
    states: tuple[str, ...],
    owner: str | None,
    member: str | None,
    parent: str | None,
    only_pending: bool,
    database_url: str,
    as_json: bool,
    wide: bool,
) -> None:
    """List shared projects; with --pending, those to decide about."""
    reader = open_database(database_url).reader()
    listed = project_overview.list_shared_projects(
        reader,
        states=[ProjectState(state) for state in states]
        or (tuple(ProjectState) if only_pending else STANDING),
        owner=owner and find_user(reader, owner).uuid,
        member=member and find_user(reader, member).uuid,
        parent=parent and find_project(reader, parent).uuid,
        only_pending=only_pending,
    )
    rows = [
        {
            **one._asdict(),
            "max_members": one.max_members if as_json else shown(one.max_members),
            "end_date": moment(one.end_date),
        }
        for one in listed
    ]
    columns = (*COLUMNS, "parent") if any(one.parent for one in listed) else COLUMNS
    droppable = ("max_members", "end_date", "members", "pending_application", "owner")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=droppable)


@click.command()
@click.argument("project")
@database_option
@table_options
def show(project: str, database_url: str, as_json: bool, wide: bool) -> None:
    """Show PROJECT, its limits, and what its application asks for."""
    reader = open_database(database_url).reader()
    known = find_project(reader, project)
    facts = _facts(reader, known, as_json=as_json)
    resources = list(limits_of(reader, known))
    application = project_applications.find_last(reader, known.uuid)
    asked = None if application is None else _asked(reader, application, as_json=as_json)
    if as_json:
        print_facts(facts | {"resources": resources, "last_application": asked}, as_json=True)
        return
    print_facts(facts, as_json=False)
    if resources:
        click.echo()
        print_rows(resources, LIMITS, as_json=False, wide=wide, droppable=("pending",))
    if application is not None and asked is not None and application.state in UNFINISHED:
        click.secho("\nIts last application:", bold=True)
        print_facts({name: value for name, value in asked.items() if value not in (None, "")}, as_json=False)


@click.command()
@click.argument("project")
@click.option("--resource", help="Only usage of this resource.")
@click.option("--user", metavar="USER", help="Only usage by this user (an email address or uuid).")
@click.option(
    "--sort",
    type=click.Choice(list(ORDERS)),
    default="member",
    show_default=True,
    help="By member, or the largest usage first, which requires --resource.",
)
@click.option("--limit", type=ROWS, default=100, show_default=True, help="The maximum number of entries.")
@database_option
@table_options
def usage(
    project: str,
    resource: str | None,
    user: str | None,
    sort: str,
    limit: int,
    database_url: str,
    as_json: bool,
    wide: bool,
) -> None:
    """Show what members of PROJECT use, and those who were members once."""
    if sort == "usage" and resource is None:
        raise click.UsageError("--sort usage requires --resource: the units of resources differ.")
    reader = open_database(database_url).reader()
    known = find_project(reader, project)
    if resource is not None and not registry.has_resource(reader, resource):
        raise click.ClickException(no_such_resource(reader, resource))
    found = read_usage(
        reader,
        known.uuid,
        resource=resource,
        user=user and find_user(reader, user).uuid,
        order=ORDERS[sort],
        after=None,
        most=limit + 1,
        now=clock.now(),
    )
    emails = {user: _email(reader, user) for user in {one.user for one in found}}
    scales = registry.scales(reader)
    rows = [_usage(one, emails[one.user], scales[one.resource]) for one in found[:limit]]
    columns = ("email", "state", "resource", "usage", "pending", "limit")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("pending", "state"))
    if len(found) > limit:
        entries = "this one entry" if limit == 1 else f"these {limit} entries"
        click.echo(f"There is more than {entries}; see --limit.", err=True)


@click.command()
@click.argument("project")
@click.option("--limit", type=ROWS, default=100, show_default=True, help="The maximum number of events.")
@database_option
@table_options
def events(project: str, limit: int, database_url: str, as_json: bool, wide: bool) -> None:
    """Show what has happened to PROJECT and its members, newest first.

    `astakos audit` has more filters, and shows all other events.
    """
    reader = open_database(database_url).reader()
    wanted = Wanted(project=find_project(reader, project).uuid)
    print_events(reader, wanted, limit, as_json=as_json, wide=wide)


def _usage(one: MemberUsage, email: str | None, scale: int) -> dict[str, Any]:
    return {
        "email": email,
        "user": one.user,
        "state": one.state.value,
        "resource": one.resource,
        "usage": Amount(one.holding.usage_max, scale),
        "pending": Amount(one.holding.pending, scale),
        "limit": Amount(one.holding.limit, scale),
    }


def _named(reader: Connection, uuid: str | None, *, as_json: bool) -> str | None:
    """Returns a project as people name it, or its uuid for programs."""
    known = None if uuid is None or as_json else projects.find(reader, uuid)
    return known.name if known else uuid


def _facts(reader: Connection, known: Project, *, as_json: bool) -> dict[str, Any]:
    children = nested_projects.children_of(reader, known.uuid)
    return {
        "name": known.name,
        "uuid": known.uuid,
        "state": known.state.value,
        "owner": _email(reader, known.owner),
        "parent": _named(reader, known.parent, as_json=as_json),
        "children": [_named(reader, uuid, as_json=as_json) for uuid in children] or None,
        "members": memberships.count_members(reader, known.uuid),
        "max_members": known.max_members if as_json else shown(known.max_members),
        "join_policy": known.join_policy.value,
        "leave_policy": known.leave_policy.value,
        "private": known.private,
        "creation_date": moment(known.creation_date),
        "end_date": moment(known.end_date),
        "homepage": known.homepage or None,
        "description": known.description or None,
    }


def _asked(reader: Connection, application: Application, *, as_json: bool) -> dict[str, Any]:
    """Returns an application; what it leaves as it is, is None."""
    asked = {field.name: getattr(application, field.name) for field in fields(application)}
    del asked["project"]
    asked["applicant"] = _email(reader, application.applicant)
    asked["owner"] = _email(reader, application.owner)
    asked |= {name: moment(asked[name]) for name in INSTANTS}
    if as_json:
        resources = {name: capacity._asdict() for name, capacity in application.resources.items()}
        return asked | {"resources": resources}
    if application.max_members is not None:
        asked["max_members"] = shown(application.max_members)
    scales = registry.scales(reader)
    asked["resources"] = [
        f"{name} {shown(capacity.project, scales[name])} "
        f"({shown(capacity.member, scales[name])} for each member)"
        for name, capacity in application.resources.items()
    ] or None
    return asked


def _email(reader: Connection, uuid: str | None) -> str | None:
    user = uuid and users.find_by_uuid(reader, uuid)
    return user.email if user else uuid
