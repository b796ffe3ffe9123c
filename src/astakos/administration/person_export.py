"""Exports all that is known of a person, as a document."""

from dataclasses import replace
from typing import Any

from astakos.clock import to_iso
from astakos.directory.account_states import state_of
from astakos.directory.entities import User
from astakos.events.documents import document_of
from astakos.events.event import Actor, Event
from astakos.projects.limits import user_holder
from astakos.storage.protocol import Connection
from astakos.storage.tables import events
from astakos.storage.tables.history import Entry, Wanted, read_history
from astakos.storage.tables.personal_data import read_sections

MOST_LISTED = 100_000
"""How many events and provisions an export has at most: the newest. It says if there are more."""
AT_A_TIME = 1000


def export_person(connection: Connection, user: User, now: int) -> dict[str, Any]:
    """Returns all that is known of a user, without secrets; times are ISO 8601.

    Args:
        connection: where to read; a snapshot, so that the parts fit together.
        user: the user.
        now: the current instant.
    """
    sections = read_sections(connection, user)
    about, more_about = _events(connection, events.Wanted(subject=user.uuid))
    by, more_by = _events(connection, events.Wanted(actor=user.uuid))
    history, more_history = _history(connection, user)
    (account,) = sections.pop("account")
    (record,) = sections.pop("record") or [{}]
    return {
        "exported": to_iso(now),
        "account": {**account, "state": state_of(user).value, **record},
        **sections,
        "groups": [group["name"] for group in sections["groups"]],
        "events_about": about,
        "events_by": by,
        "history": history,
        "incomplete": [
            name
            for name, more in (
                ("events_about", more_about),
                ("events_by", more_by),
                ("history", more_history),
            )
            if more
        ],
    }


def note_export(connection: Connection, actor: Actor, user: User, now: int) -> None:
    """Records that somebody has exported what is known of a user."""
    events.record(connection, Event("user.exported", actor, subject=user.uuid), now)


def _events(connection: Connection, wanted: events.Wanted) -> tuple[list[dict[str, Any]], bool]:
    """Returns the newest events, and whether there are more."""
    found: list[dict[str, Any]] = []
    while len(found) <= MOST_LISTED:
        page = events.read(connection, wanted, AT_A_TIME, newest_first=True)
        found += map(document_of, page)
        if len(page) < AT_A_TIME:
            break
        wanted = replace(wanted, before=page[-1].number)
    return found[:MOST_LISTED], len(found) > MOST_LISTED


def _history(connection: Connection, user: User) -> tuple[list[dict[str, Any]], bool]:
    """Returns the newest provisions, and whether there are more."""
    wanted = Wanted(holder=user_holder(user.uuid))
    found: list[dict[str, Any]] = []
    while len(found) <= MOST_LISTED:
        page = read_history(connection, wanted, AT_A_TIME)
        found += map(_provision, page.entries)
        if page.end is None:
            break
        wanted = replace(wanted, before=page.end)
    return found[:MOST_LISTED], len(found) > MOST_LISTED


def _provision(entry: Entry) -> dict[str, Any]:
    return {
        "serial": entry.serial,
        "component": entry.component,
        "name": entry.name,
        "issue_time": to_iso(entry.issue_time),
        "log_time": to_iso(entry.resolve_time),
        "outcome": entry.verdict.value,
        "source": entry.key.source,
        "resource": entry.key.resource,
        "quantity": entry.quantity,
        "settled": entry.settled,
        "key": entry.key_holder,
    }
