"""`astakos project join`, `leave`, `enroll`, `accept`, `reject`, `remove` and `members`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from astakos import clock
from astakos.administration import membership_changes
from astakos.administration.accounts import find_user
from astakos.administration.named_projects import find_project
from astakos.administration.state_document import StateError
from astakos.cli.acting import acting_option, actor_named, reason_option
from astakos.cli.options import database_option, open_database
from astakos.cli.output import print_rows, table_options
from astakos.cli.shown_values import moment
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.projects.membership_actions import MembershipAction
from astakos.projects.project import ACCEPTED_TYPE, MembershipState, Project
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, project_overview

F = TypeVar("F", bound=Callable[..., Any])

CURRENT = (MembershipState.REQUESTED, *ACCEPTED_TYPE)
TOLD = {
    MembershipState.REQUESTED: "{user} has asked to join {project}.",
    MembershipState.ACCEPTED: "{user} is a member of {project}.",
    MembershipState.LEAVE_REQUESTED: "{user} has asked to leave {project}.",
    MembershipState.REJECTED: "{user} was not admitted to {project}.",
    MembershipState.CANCELLED: "{user} no longer asks to join {project}.",
    MembershipState.REMOVED: "{user} is no longer a member of {project}.",
}
"""What has become of a membership."""


@click.command("members")
@click.argument("project")
@click.option("--all", "with_past", is_flag=True, help="Also those who left, or were never admitted.")
@database_option
@table_options
def members(project: str, with_past: bool, database_url: str, as_json: bool, wide: bool) -> None:
    """List the members of PROJECT, and who has asked to join it."""
    reader = open_database(database_url).reader()
    known = find_project(reader, project)
    states = tuple(MembershipState) if with_past else CURRENT
    rows = [
        {
            "email": one.email,
            "uuid": one.user,
            "state": one.state.value,
            "since": moment(one.entered.get(one.state)),
            "id": one.id,
        }
        for one in project_overview.list_members(reader, known.uuid, states)
    ]
    columns = ("email", "uuid", "state", "since", "id")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("id", "since", "uuid"))


def _on_members(function: F) -> F:
    """Takes the project, the users, and what all these commands need."""
    for add in (
        database_option,
        reason_option,
        acting_option,
        click.argument("names", metavar="USER...", nargs=-1, required=True),
        click.argument("project"),
    ):
        function = add(function)
    return function


@click.command()
@click.argument("project")
@click.option(
    "--as", "acting", metavar="USER", required=True, help="The user (an email address or uuid) who joins."
)
@reason_option
@database_option
def join(project: str, acting: str, reason: str, database_url: str) -> None:
    """Ask to join PROJECT.

    The user is admitted at once if its policy is to do so, and it has room.
    """

    def change(connection: Connection, actor: Actor, known: Project, user: User) -> None:
        membership_changes.join(connection, actor, known.uuid, user.uuid, clock.now(), reason=reason)

    _change(database_url, project, [acting], acting, change)


@click.command()
@click.argument("project")
@click.option(
    "--as", "acting", metavar="USER", required=True, help="The user (an email address or uuid) who leaves."
)
@reason_option
@database_option
def leave(project: str, acting: str, reason: str, database_url: str) -> None:
    """Leave PROJECT, or withdraw a request to join it.

    If its policy is `moderated`, this asks to leave; `astakos project remove` completes it.
    """

    def change(connection: Connection, actor: Actor, known: Project, user: User) -> None:
        state = memberships.find_state(connection, user.uuid, known.uuid)
        has_only_asked = state is MembershipState.REQUESTED
        action = MembershipAction.CANCEL if has_only_asked else MembershipAction.LEAVE
        _act(connection, actor, known, user, action, reason)

    _change(database_url, project, [acting], acting, change)


@click.command()
@_on_members
def enroll(project: str, names: Sequence[str], acting: str | None, reason: str, database_url: str) -> None:
    """Make users members of PROJECT, without their asking."""

    def change(connection: Connection, actor: Actor, known: Project, user: User) -> None:
        membership_changes.enroll(connection, actor, known.uuid, user.email, clock.now(), reason=reason)

    _change(database_url, project, names, acting, change)


@click.command()
@_on_members
def accept(project: str, names: Sequence[str], acting: str | None, reason: str, database_url: str) -> None:
    """Admit users who have asked to join PROJECT."""
    _change(database_url, project, names, acting, _action(MembershipAction.ACCEPT, reason))


@click.command()
@_on_members
def reject(project: str, names: Sequence[str], acting: str | None, reason: str, database_url: str) -> None:
    """Refuse users who have asked to join PROJECT."""
    _change(database_url, project, names, acting, _action(MembershipAction.REJECT, reason))


@click.command()
@_on_members
def remove(project: str, names: Sequence[str], acting: str | None, reason: str, database_url: str) -> None:
    """Remove members from PROJECT. What they use stays charged."""
    _change(database_url, project, names, acting, _action(MembershipAction.REMOVE, reason))


MemberChange = Callable[[Connection, Actor, Project, User], None]


def _action(action: MembershipAction, reason: str) -> MemberChange:
    def change(connection: Connection, actor: Actor, known: Project, user: User) -> None:
        _act(connection, actor, known, user, action, reason)

    return change


def _act(
    connection: Connection, actor: Actor, known: Project, user: User, action: MembershipAction, reason: str
) -> None:
    found = memberships.find_of(connection, user.uuid, known.uuid)
    if found is None:
        raise StateError(f"{user.email} has no membership in {known.name}")
    membership_changes.act(connection, actor, found.id, action, clock.now(), reason=reason)


def _change(
    database_url: str, project: str, names: Sequence[str], acting: str | None, change: MemberChange
) -> None:
    """Changes the memberships of all these users, or of none, and tells what has become of them."""

    def change_all(connection: Connection) -> list[str]:
        actor, known = actor_named(connection, acting), find_project(connection, project)
        told = []
        for name in names:
            user = find_user(connection, name)
            try:
                change(connection, actor, known, user)
            except ProjectRefusedError as refusal:
                if len(names) == 1:
                    raise
                raise StateError(f"{user.email}: {refusal}; no membership was changed") from None
            state = memberships.find_state(connection, user.uuid, known.uuid)
            assert state is not None  # noqa: S101 - it was changed
            told.append(TOLD[state].format(user=user.email, project=known.name))
        return told

    for line in open_database(database_url).change(change_all):
        click.echo(line)
