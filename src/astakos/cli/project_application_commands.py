"""`astakos project create`, `modify`, `approve`, `deny`, `cancel` and `dismiss`: applications."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click

from astakos import clock
from astakos.administration.accounts import find_user
from astakos.administration.named_projects import find_applied_project, find_project
from astakos.administration.project_changes import (
    Submitted,
    act_on_application,
    change_project,
    create_project,
    modify_project,
)
from astakos.administration.state_document import StateError
from astakos.administration.unusable_meters import find_unusable_meters
from astakos.cli.acting import acting_option, actor_named, reason_option
from astakos.cli.instants import INSTANT
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts
from astakos.cli.quantities import AMOUNT, QUANTITY
from astakos.cli.unusable_meters import warn_of_unusable
from astakos.cli.web_urls import HOMEPAGE
from astakos.cli.whole_numbers import ROW_NUMBER
from astakos.projects.project import ApplicationState, Capacity, Policy, ProjectState
from astakos.projects.project_actions import ApplicationAction
from astakos.projects.specification import Specification
from astakos.projects.unusable_meters import UnusableMeters
from astakos.storage.protocol import Connection
from astakos.storage.tables import project_applications, registry

F = TypeVar("F", bound=Callable[..., Any])

DECIDED_FROM = {
    ApplicationAction.APPROVE: ApplicationState.PENDING,
    ApplicationAction.DENY: ApplicationState.PENDING,
    ApplicationAction.CANCEL: ApplicationState.PENDING,
    ApplicationAction.DISMISS: ApplicationState.DENIED,
}
POLICIES = click.Choice([policy.value for policy in Policy])


def _properties(function: F) -> F:
    """Adds the options for what a project shall be."""
    for add in (
        click.option(
            "--resource",
            "resources",
            metavar="NAME PROJECT MEMBER",
            type=(str, AMOUNT, AMOUNT),
            multiple=True,
            help="The limits of a resource: for the whole project, and for each member. Repeatable.",
        ),
        click.option("--private/--public", default=None, help="Whether only its members see it."),
        click.option("--max-members", type=QUANTITY, help="How many members it can have."),
        click.option(
            "--leave-policy", type=POLICIES, help="Whether members leave freely, by approval, or not."
        ),
        click.option("--join-policy", type=POLICIES, help="Whether users join freely, by approval, or not."),
        click.option("--comments", help="What the applicant says to those who decide."),
        click.option("--description", help="What it is for."),
        click.option("--homepage", type=HOMEPAGE, help="A URL."),
        click.option("--owner", metavar="USER", help="Its owner (an email address or uuid)."),
        click.option("--start", "start_date", type=INSTANT, help="When it shall begin; for people alone."),
        click.option("--end", "end_date", type=INSTANT, help="When it ends, for example 2031-02-03."),
    ):
        function = add(function)
    return function


@click.command()
@click.argument("name")
@_properties
@click.option("--parent", metavar="PROJECT", help="The project that it shall be within.")
@click.option("--approve", "approves", is_flag=True, help="Approve the application at once.")
@acting_option
@database_option
@json_option
def create(
    name: str, approves: bool, acting: str | None, database_url: str, as_json: bool, **properties: Any
) -> None:
    """Apply for a new project. NAME is a domain name, for example lab.example.org.

    The applicant is the user whom --as names; without it, an operator applies in the name of the --owner. By
    default, members join by approval and leave freely, their number is unlimited, and users can see the
    project.
    """
    if acting is None and properties["owner"] is None:
        raise click.UsageError("Say who applies: --as USER, or --owner USER.")
    if properties["end_date"] is None:
        raise click.UsageError("Say when the project ends: --end 2031-02-03.")

    def change(connection: Connection) -> tuple[Submitted, list[UnusableMeters]]:
        actor, now = actor_named(connection, acting), clock.now()
        if approves and not actor.is_project_admin:
            raise StateError(f"{acting} is no project administrator, and so cannot --approve; leave it out")
        submitted = create_project(connection, actor, _specification(connection, name, properties), now)
        if approves:
            act_on_application(connection, actor, ApplicationAction.APPROVE, *submitted, "", now)
        return submitted, find_unusable_meters(connection, submitted.project)

    submitted, unusable = open_database(database_url).change(change)
    state = ProjectState.ACTIVE if approves else ProjectState.UNINITIALIZED
    facts = {"name": name, "uuid": submitted.project, "application": submitted.application}
    print_facts({**facts, "state": state.value}, as_json=as_json)
    warn_of_unusable(name, unusable)


@click.command()
@click.argument("project")
@click.option("--name", help="Another name.")
@_properties
@acting_option
@reason_option
@database_option
def modify(
    project: str, name: str | None, acting: str | None, reason: str, database_url: str, **properties: Any
) -> None:
    """Change PROJECT, or with --as, apply for changes to it.

    An operator changes it at once. The application of a user waits for a decision, and replaces one that
    still waits.
    """

    def change(connection: Connection) -> tuple[str, str, list[UnusableMeters]]:
        actor, known, now = actor_named(connection, acting), find_project(connection, project), clock.now()
        asked = _specification(connection, name, properties)
        if not asked.given:
            raise click.UsageError(f"Say what to change of {known.name}: give at least one option.")
        if acting is not None:
            submitted = modify_project(connection, actor, known.uuid, asked, now)
            told = f"Application {submitted.application} for changes to {known.name} waits for a decision."
            return told, known.name, find_unusable_meters(connection, known.uuid, asked.resources)
        named, told = known.name, f"{known.name} is like that already. Nothing has changed."
        if change_project(connection, actor, known.uuid, asked, reason, now):
            named = asked.name or known.name
            told = f"Changed {named}."
        return told, named, find_unusable_meters(connection, known.uuid)

    told, named, unusable = open_database(database_url).change(change)
    click.echo(told)
    warn_of_unusable(named, unusable)


def _specification(connection: Connection, name: str | None, properties: dict[str, Any]) -> Specification:
    policies = {key: properties[key] and Policy(properties[key]) for key in ("join_policy", "leave_policy")}
    dates = {
        key: None if properties[key] is None else clock.to_iso(properties[key])
        for key in ("start_date", "end_date")
    }
    owner = properties["owner"] and find_user(connection, properties["owner"]).uuid
    named = [resource for resource, *_ in properties["resources"]]
    repeated = sorted({resource for resource in named if named.count(resource) > 1})
    if repeated:
        raise click.UsageError(f"Give --resource only once for {', '.join(repeated)}.")
    scales = registry.scales(connection)
    resources = {
        resource: Capacity(*(limit.quantity(resource, scales.get(resource, 0)) for limit in limits))
        for resource, *limits in properties["resources"]
    }
    parent = properties.get("parent") and find_project(connection, properties["parent"]).uuid
    return Specification(
        **properties
        | policies
        | dates
        | {"name": name, "owner": owner, "parent": parent, "resources": resources}
    )


def _on_an_application(function: F) -> F:
    for add in (
        database_option,
        reason_option,
        acting_option,
        click.option(
            "--application",
            "number",
            type=ROW_NUMBER,
            help="Only if this is the number of its last application, which `show` and `list` tell.",
        ),
        click.argument("project"),
    ):
        function = add(function)
    return function


@click.command()
@_on_an_application
def approve(project: str, number: int | None, acting: str | None, reason: str, database_url: str) -> None:
    """Approve the application for PROJECT.

    The project becomes active, whatever it was, as the application asks for.
    """
    decided = _decide(database_url, project, number, acting, ApplicationAction.APPROVE, reason)
    click.echo(f"Approved application {decided.application}: {decided.name} is active.")
    warn_of_unusable(decided.name, decided.unusable)


@click.command()
@_on_an_application
def deny(project: str, number: int | None, acting: str | None, reason: str, database_url: str) -> None:
    """Deny the application for PROJECT, which stays as it is."""
    decided = _decide(database_url, project, number, acting, ApplicationAction.DENY, reason)
    click.echo(f"Denied application {decided.application} for {decided.name}.")


@click.command()
@_on_an_application
def cancel(project: str, number: int | None, acting: str | None, reason: str, database_url: str) -> None:
    """Withdraw the application for PROJECT before it is decided."""
    decided = _decide(database_url, project, number, acting, ApplicationAction.CANCEL, reason)
    click.echo(f"Cancelled application {decided.application} for {decided.name}.")


@click.command()
@_on_an_application
def dismiss(project: str, number: int | None, acting: str | None, reason: str, database_url: str) -> None:
    """Put the denied application for PROJECT away."""
    decided = _decide(database_url, project, number, acting, ApplicationAction.DISMISS, reason)
    click.echo(f"Dismissed application {decided.application} for {decided.name}.")


class _Decided(NamedTuple):
    application: int
    name: str
    unusable: list[UnusableMeters]


def _decide(
    database_url: str,
    project: str,
    number: int | None,
    acting: str | None,
    action: ApplicationAction,
    reason: str,
) -> _Decided:
    def change(connection: Connection) -> _Decided:
        actor = actor_named(connection, acting)
        known = find_applied_project(connection, project, DECIDED_FROM[action])
        last = project_applications.find_last(connection, known.uuid)
        if last is None:
            raise StateError(f"there is no application for {known.name}")
        application = last.id if number is None else number
        act_on_application(connection, actor, action, known.uuid, application, reason, clock.now())
        # An application may have renamed it.
        named = find_project(connection, known.uuid).name
        return _Decided(application, named, find_unusable_meters(connection, known.uuid))

    return open_database(database_url).change(change)
