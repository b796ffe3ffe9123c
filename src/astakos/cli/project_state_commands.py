"""`astakos project suspend`, `unsuspend`, `terminate` and `reinstate`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from astakos import clock
from astakos.administration.named_projects import find_project
from astakos.administration.project_changes import act_on_project
from astakos.cli.acting import acting_option, actor_named, reason_option
from astakos.cli.options import database_option, open_database
from astakos.projects.project import Project
from astakos.projects.project_actions import ProjectAction
from astakos.storage.protocol import Connection

F = TypeVar("F", bound=Callable[..., Any])


def _on_a_project(function: F) -> F:
    for add in (database_option, reason_option, acting_option, click.argument("project")):
        function = add(function)
    return function


@click.command()
@_on_a_project
def suspend(project: str, acting: str | None, reason: str, database_url: str) -> None:
    """Suspend PROJECT: nobody can use more of it."""
    known = _act(database_url, project, acting, ProjectAction.SUSPEND, reason)
    click.echo(f"{known.name} is suspended. Nobody can use more of it; what they use stays charged.")


@click.command()
@_on_a_project
def unsuspend(project: str, acting: str | None, reason: str, database_url: str) -> None:
    """Let members use PROJECT again, which is suspended."""
    known = _act(database_url, project, acting, ProjectAction.UNSUSPEND, reason)
    click.echo(f"{known.name} is active again.")


@click.command()
@_on_a_project
def terminate(project: str, acting: str | None, reason: str, database_url: str) -> None:
    """End PROJECT, so that others can take its name."""
    known = _act(database_url, project, acting, ProjectAction.TERMINATE, reason)
    click.echo(f"{known.name} has ended. Nobody can use more of it; what they use stays charged.")


@click.command()
@_on_a_project
def reinstate(project: str, acting: str | None, reason: str, database_url: str) -> None:
    """Revive PROJECT, which has ended, under its old name."""
    known = _act(database_url, project, acting, ProjectAction.REINSTATE, reason)
    click.echo(f"{known.name} is active again.")


def _act(database_url: str, project: str, acting: str | None, action: ProjectAction, reason: str) -> Project:
    def change(connection: Connection) -> Project:
        actor, known = actor_named(connection, acting), find_project(connection, project)
        act_on_project(connection, actor, action, known.uuid, reason, clock.now())
        return known

    return open_database(database_url).change(change)
