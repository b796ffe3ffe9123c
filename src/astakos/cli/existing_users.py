"""Says what a new default limit means for existing users, and asks before they follow it."""

import sys
from collections.abc import Iterable, Mapping

import click

from astakos import clock
from astakos.administration.default_following import require_quiet
from astakos.administration.default_limits import DefaultPreview, follow_default, preview_default
from astakos.administration.state_document import ResourceEntry, StateError
from astakos.cli.quantities import shown
from astakos.directory.entities import Resource
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Database

KEEP, FOLLOW = "keep", "follow"


def show_previews(
    database: Database, known: Mapping[str, Resource], changed: Iterable[ResourceEntry]
) -> None:
    """Prints what the new defaults of a resource and its meters mean for existing users.

    Raises:
        click.UsageError: None of them has a new default.
    """
    limits = list(changed)
    new = [entry for entry in limits if _has_new_default(known.get(entry.name), entry)]
    if not new:
        raise click.UsageError(f"--preview is about a new default of {limits[0].name} or of its meters.")
    for entry in new:
        _show_preview(database, entry, named=len(new) > 1)


def let_follow(
    database: Database, known: Mapping[str, Resource], changed: Iterable[ResourceEntry], *, yes: bool
) -> set[str]:
    """Lets existing users follow new defaults, after asking; returns the names of those that are new.

    Raises:
        StateError: nobody can answer.
    """
    new = [entry for entry in changed if _has_new_default(known.get(entry.name), entry)]
    for entry in new:
        require_quiet(database.reader(), entry.name)
    previews = [] if yes else [_show_preview(database, entry, named=len(new) > 1) for entry in new]
    if any(found.following for found in previews):
        if not sys.stdin.isatty():
            raise StateError("nobody can confirm this here; give --yes")
        click.confirm("Change their limits?", abort=True)
    for entry in new:
        follow_default(database, OPERATOR, entry.name, entry.system_default, clock.now())
    return {entry.name for entry in new}


def _show_preview(database: Database, entry: ResourceEntry, *, named: bool) -> DefaultPreview:
    found = preview_default(database.reader(), entry.name, entry.system_default)
    before, after = shown(found.before, entry.scale), shown(found.after, entry.scale)
    if named:
        click.echo(f"{entry.name}:")
    click.echo(f"{_users(found.following)} the default of {before}; those who follow get {after}.")
    others = "keeps" if found.others == 1 else "keep"
    click.echo(f"{_users(found.others)} another limit, and {others} it.")
    if found.above:
        click.echo(
            f"{found.above} of those who follow {'uses' if found.above == 1 else 'use'} more than that. "
            "They keep what they use, and get nothing more until they use less."
        )
    return found


def _users(number: int) -> str:
    return "1 user has" if number == 1 else f"{number} users have"


def _has_new_default(known: Resource | None, changed: ResourceEntry) -> bool:
    return known is not None and known.system_default != changed.system_default
