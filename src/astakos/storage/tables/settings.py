"""Settings of an installation: texts and lists by name, written as JSON."""

import json
from dataclasses import fields
from typing import Any

from astakos.directory.login_settings import LoginSettings
from astakos.storage.protocol import Connection

FIND = "SELECT value FROM settings WHERE name = ?"
SAVE = """
INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
BASE_URL = "base_url"
MODERATION = "moderation"
PROJECT_ADMINS = "project_admins"
HELPDESK = "helpdesk"
ADMIN_USERS = "admin_users"
"""Whether administrators may manage users over HTTP; they may not if it is not set."""
ADMIN_USERS_GROUPS = "admin_users_groups"
DEFAULT_ADMIN_USERS_GROUPS = ["admin-api"]
HISTORY_DAYS = "history_days"
"""How long resolved commissions are kept; forever if it is not set."""
COMPATIBILITY = "compatibility"
"""The generation of the API whose answers are given; the newest if it is not set."""
LOGIN = tuple(field.name for field in fields(LoginSettings))
"""The names of those that say how logging in on pages goes."""


def find(connection: Connection, name: str, default: Any = None) -> Any:
    """The setting of that name, or the default."""
    row = connection.execute(FIND, (name,)).fetchone()
    return default if row is None else json.loads(row[0])


def login(connection: Connection) -> LoginSettings:
    """How logging in on pages goes; what is not set is the default."""
    found = {name: find(connection, name) for name in LOGIN}
    if found["weblogin_next"] is not None:
        found["weblogin_next"] = tuple(found["weblogin_next"])
    return LoginSettings(**{name: value for name, value in found.items() if value is not None})


def save(connection: Connection, name: str, value: Any) -> None:
    """Set a setting."""
    connection.execute(SAVE, (name, json.dumps(value)))
