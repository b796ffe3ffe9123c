"""Ends projects whose end date has passed, and gives notice of those that end soon.

Each project is a transaction of its own, which checks again what was found before it. So several services, or
a service and an operator, can do this at the same time: each project ends once.
"""

import contextlib
import functools
import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple

from astakos.administration.project_changes import act_on_project
from astakos.clock import DAY
from astakos.events.event import SERVICE, Actor
from astakos.ledger.ports import StorageUnavailableError
from astakos.projects.endings import NOTICE_DAYS, project_ending, reason_of_end
from astakos.projects.project import ALIVE, Project
from astakos.projects.project_actions import ProjectAction
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import clock_records, events, project_endings, projects, settings
from astakos.storage.tables.project_endings import Ending

log = logging.getLogger("astakos.projects")


class Done(NamedTuple):
    """How many projects have ended, and of how many a notice was given."""

    ended: int
    announced: int


def end_what_is_over(database: Database, now: int, is_stopped: Callable[[], bool] = lambda: False) -> Done:
    """Ends the projects whose end date has passed, and gives the notices that are due, as the settings say.

    Args:
        database: the database; it need not be open for reading on this thread.
        now: the current instant, by a clock that is known to be right.
        is_stopped: asked between two projects; whether to leave the others for later. May wait, to let other
            writers have their turn.

    Raises:
        StorageUnavailableError: the database cannot be read or written now. What is done stays done.
    """
    with contextlib.closing(database.connect()) as connection:
        if not settings.find(connection, settings.END_PROJECTS, default=False):
            return Done(0, 0)
        over = project_endings.list_over(connection, now)
        ended = _each(database, over, _end_if_set, now, is_stopped)
        days = _notice_days(connection)
        near = project_endings.list_near(connection, now, now + days * DAY) if days else ()
        announced = _each(database, near, _announce, now, is_stopped)
    return Done(ended, announced)


def end_project(connection: Connection, actor: Actor, uuid: str, now: int) -> bool:
    """Terminates a project if it is active or suspended and its end date has passed; returns whether.

    Args:
        connection: a connection in a transaction.
        actor: who does it.
        uuid: the uuid of the project.
        now: the current instant.
    """
    project = projects.find(connection, uuid)
    if project is None or not _ends(project) or project.end_date > now:
        return False
    act_on_project(connection, actor, ProjectAction.TERMINATE, uuid, reason_of_end(project.end_date), now)
    return True


def _end_if_set(connection: Connection, uuid: str, now: int) -> bool:
    return _may_end(connection) and end_project(connection, SERVICE, uuid, now)


def _announce(connection: Connection, uuid: str, now: int) -> bool:
    project = projects.find(connection, uuid)
    if project is None or not _may_end(connection) or not _ends(project):
        return False
    is_near = now < project.end_date <= now + _notice_days(connection) * DAY
    if not is_near or project_endings.is_announced(connection, uuid):
        return False
    project_endings.note_notice(connection, uuid)
    events.record(connection, project_ending(uuid, project.end_date), now)
    return True


def _ends(project: Project) -> bool:
    return project.state in ALIVE and not project.system_project


def _may_end(connection: Connection) -> bool:
    """Whether projects end by themselves, and no service has found the clock to be wrong."""
    return bool(
        settings.find(connection, settings.END_PROJECTS, default=False)
    ) and not clock_records.is_held(connection)


def _notice_days(connection: Connection) -> int:
    return int(settings.find(connection, settings.ENDING_NOTICE_DAYS, NOTICE_DAYS))


def _each(
    database: Database,
    found: Iterable[Ending],
    change: Callable[..., bool],
    now: int,
    is_stopped: Callable[[], bool],
) -> int:
    """Changes each project in a transaction of its own; returns how many were changed."""
    changed = 0
    for one in found:
        if is_stopped():
            break
        try:
            changed += database.change(functools.partial(change, uuid=one.uuid, now=now))
        except StorageUnavailableError:
            raise
        except Exception:
            # One project must not keep the others from ending.
            log.exception("the end of project %s failed; will retry", one.uuid)
    return changed
