"""Reads what the tables hold of one person, without secrets and hashes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from astakos.clock import to_iso
from astakos.directory.entities import User
from astakos.storage.protocol import Connection


class Section(NamedTuple):
    """A part of what is known.

    Attributes:
        statement: reads it; its parameter is the id of the user, or their uuid.
        columns: the names of what it reads.
        by_uuid: whether the parameter is the uuid.
    """

    statement: str
    columns: Sequence[str]
    by_uuid: bool = False


TIMES = frozenset(
    {
        "created",
        "expires",
        "last_used",
        "time",
        "start",
        "end",
        "starts",
        "token_created",
        "token_expires",
        "date_joined",
        "verified_at",
        "moderated_at",
        "submitted",
        "start_date",
        "end_date",
        "creation_date",
    }
)
FLAGS = frozenset(
    {
        "is_active",
        "email_verified",
        "moderated",
        "is_rejected",
        "has_signed_terms",
        "has_password",
        "ever_accepted",
        "private",
    }
)
DOCUMENTS = frozenset({"metadata", "entered", "limits", "resources", "lifts"})
NEVER = 2**62
"""Instants beyond this one stand for no end."""

ACCOUNT = """
SELECT uuid, username, email, first_name, last_name, is_active, email_verified, moderated, is_rejected,
    has_signed_terms, default_project, CASE WHEN password_hash IS NULL THEN 0 ELSE 1 END, token_created,
    token_expires
FROM users WHERE id = ?
"""
RECORD = """
SELECT date_joined, verified_at, moderated_at, deactivated_reason, rejected_reason, accepted_policy,
    affiliation, metadata
FROM user_records WHERE user_id = ?
"""
GROUPS = """
SELECT g.name FROM user_groups u JOIN groups g ON g.id = u.group_id WHERE u.user_id = ? ORDER BY g.id
"""
MEMBERSHIPS = """
SELECT p.uuid, p.name, m.state, m.ever_accepted, m.entered
FROM memberships m JOIN projects p ON p.id = m.project_id WHERE m.user_id = ? ORDER BY m.id
"""
OWNED = "SELECT uuid, name, state, creation_date, end_date FROM projects WHERE owner = ? ORDER BY id"
APPLICATIONS = """
SELECT a.id, p.uuid, a.state, a.submitted, a.name, a.owner, a.homepage, a.description, a.comments,
    a.start_date, a.end_date, a.max_members, a.private, a.resources
FROM project_applications a JOIN projects p ON p.id = a.project_id WHERE a.user_id = ? ORDER BY a.id
"""
SESSIONS = """
SELECT id, created, expires, last_used, origin, agent FROM sessions WHERE user_id = ? ORDER BY id
"""
BROWSERS = "SELECT expires FROM known_browsers WHERE user_id = ? ORDER BY expires"
TEMPORARY_TOKENS = """
SELECT method, project, created, expires FROM temporary_tokens WHERE user_id = ? ORDER BY created
"""
ACCESS_TOKENS = """
SELECT c.name, t.scope, t.expires FROM oauth2_tokens t JOIN oauth2_clients c ON c.id = t.client_id
WHERE t.user_id = ? ORDER BY t.id
"""
KEYS = """
SELECT prefix, name, project, limits, created, expires, last_used, creator FROM api_keys
WHERE user_id = ? ORDER BY id
"""
LINKS = "SELECT purpose, created, expires, creator, address FROM password_links WHERE user_id = ? ORDER BY id"
FEEDBACK = "SELECT time, message, data FROM feedback WHERE user_id = ? ORDER BY id"
QUOTAS = """
SELECT source, resource, "limit", member_limit, usage_min, usage_max FROM holdings
WHERE holder = 'user:' || ? ORDER BY id
"""
PERIODS = """
SELECT h.source, h.resource, c.start, c."end", c.total
FROM holdings h JOIN closed_periods c ON c.holding_id = h.id WHERE h.holder = 'user:' || ?
ORDER BY c.start, h.id
"""
GRANTS = """
SELECT g.number, b.source, b.resource, g.starts, g.expires, g.state, g.note, g.lifts
FROM holdings b JOIN grants g ON g.base_id = b.id WHERE b.holder = 'user:' || ? ORDER BY g.number
"""
ALERTS = """
SELECT h.source, h.resource, a.kind, a.percent, a.time, a.usage, a."limit"
FROM holdings h JOIN quota_alerts a ON a.holding_id = h.id WHERE h.holder = 'user:' || ? ORDER BY a.time
"""
FIGURES = ("project", "resource")
SECTIONS: Mapping[str, Section] = {
    "account": Section(
        ACCOUNT,
        (
            "uuid",
            "username",
            "email",
            "first_name",
            "last_name",
            "is_active",
            "email_verified",
            "moderated",
            "is_rejected",
            "has_signed_terms",
            "default_project",
            "has_password",
            "token_created",
            "token_expires",
        ),
    ),
    "record": Section(
        RECORD,
        (
            "date_joined",
            "verified_at",
            "moderated_at",
            "deactivated_reason",
            "rejected_reason",
            "accepted_policy",
            "affiliation",
            "metadata",
        ),
    ),
    "groups": Section(GROUPS, ("name",)),
    "memberships": Section(MEMBERSHIPS, ("project", "name", "state", "ever_accepted", "entered")),
    "owned_projects": Section(OWNED, ("project", "name", "state", "creation_date", "end_date"), by_uuid=True),
    "applications": Section(
        APPLICATIONS,
        (
            "number",
            "project",
            "state",
            "submitted",
            "name",
            "owner",
            "homepage",
            "description",
            "comments",
            "start_date",
            "end_date",
            "max_members",
            "private",
            "resources",
        ),
    ),
    "sessions": Section(SESSIONS, ("id", "created", "expires", "last_used", "origin", "agent")),
    "known_browsers": Section(BROWSERS, ("expires",)),
    "temporary_tokens": Section(TEMPORARY_TOKENS, ("method", "project", "created", "expires")),
    "access_tokens": Section(ACCESS_TOKENS, ("client", "scope", "expires")),
    "keys": Section(
        KEYS, ("prefix", "name", "project", "limits", "created", "expires", "last_used", "creator")
    ),
    "password_links": Section(LINKS, ("purpose", "created", "expires", "creator", "address")),
    "feedback": Section(FEEDBACK, ("time", "message", "data")),
    "quotas": Section(QUOTAS, (*FIGURES, "limit", "member_limit", "usage_min", "usage_max"), by_uuid=True),
    "periods": Section(PERIODS, (*FIGURES, "start", "end", "total"), by_uuid=True),
    "grants": Section(
        GRANTS, ("number", *FIGURES, "starts", "expires", "state", "note", "lifts"), by_uuid=True
    ),
    "alerts": Section(ALERTS, (*FIGURES, "kind", "percent", "time", "usage", "limit"), by_uuid=True),
}
"""All parts, by name."""


def read_sections(connection: Connection, user: User) -> dict[str, list[dict[str, Any]]]:
    """Returns all parts of what is known of a user; times are ISO 8601."""
    return {
        name: [
            {column: _value(column, value) for column, value in zip(section.columns, row, strict=True)}
            for row in connection.execute(
                section.statement, (user.uuid if section.by_uuid else user.id,)
            ).fetchall()
        ]
        for name, section in SECTIONS.items()
    }


def _value(column: str, value: Any) -> Any:
    if value is None:
        return None
    if column in TIMES:
        return to_iso(value) if value < NEVER else None
    if column in FLAGS:
        return bool(value)
    if column in DOCUMENTS:
        return json.loads(value)
    return value.removeprefix("project:") if column == "project" else value
