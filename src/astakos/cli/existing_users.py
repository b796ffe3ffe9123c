"""Says what a new default limit means for existing users, and asks before they follow it."""

import sys

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


def show_preview(database: Database, known: Resource | None, changed: ResourceEntry) -> DefaultPreview:
    """Prints what the new default of a resource means for existing users.

    Raises:
        click.UsageError: it has no new default.
    """
    if not _has_new_default(known, changed):
        raise click.UsageError(f"--preview is about a new --default of {changed.name}.")
    found = preview_default(database.reader(), changed.name, changed.system_default)
    before, after = shown(found.before, changed.scale), shown(found.after, changed.scale)
    click.echo(f"{_users(found.following)} the default of {before}; those who follow get {after}.")
    others = "keeps" if found.others == 1 else "keep"
    click.echo(f"{_users(found.others)} another limit, and {others} it.")
    if found.above:
        click.echo(
            f"{found.above} of those who follow {'uses' if found.above == 1 else 'use'} more than that. "
            "They keep what they use, and get nothing more until they use less."
        )
    return found


def let_follow(database: Database, known: Resource | None, changed: ResourceEntry, *, yes: bool) -> bool:
    """Lets existing users follow a new default, after asking; returns whether it is new.

    Raises:
        StateError: nobody can answer.
    """
    if not _has_new_default(known, changed):
        return False
    require_quiet(database.reader(), changed.name)
    if not yes and show_preview(database, known, changed).following:
        if not sys.stdin.isatty():
            raise StateError("nobody can confirm this here; give --yes")
        click.confirm("Change their limits?", abort=True)
    follow_default(database, OPERATOR, changed.name, changed.system_default, clock.now())
    return True


def _users(number: int) -> str:
    return "1 user has" if number == 1 else f"{number} users have"


def _has_new_default(known: Resource | None, changed: ResourceEntry) -> bool:
    return known is not None and known.system_default != changed.system_default
