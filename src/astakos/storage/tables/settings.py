"""The settings of an installation: JSON values by name."""

import json
from dataclasses import fields
from typing import Any

from astakos.directory.login_settings import LoginSettings
from astakos.storage.protocol import Connection

FIND = "SELECT value FROM settings WHERE name = ?"
SAVE = """
INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
DELETE = "DELETE FROM settings WHERE name = ?"
BASE_URL = "base_url"
MODERATION = "moderation"
PROJECT_ADMINS = "project_admins"
ADMINISTRATORS = "administrators"
"""The group whose members are administrators; without it, nobody is one."""
HELPDESK = "helpdesk"
ADMIN_USERS = "admin_users"
"""Whether administrators may manage users over HTTP; by default they may not."""
ADMIN_USERS_GROUPS = "admin_users_groups"
DEFAULT_ADMIN_USERS_GROUPS = ["admin-api"]
HISTORY_DAYS = "history_days"
"""For how many days resolved commissions are kept; by default forever."""
METER_TTL_SECONDS = "meter_ttl_seconds"
"""After how many seconds a pending commission that counts on a meter expires, if it does not say."""
CLOCK_JUMP_SECONDS = "clock_jump_seconds"
"""By how much the clock may contradict the elapsed time before nothing expires or is deleted by it."""
CLOCK_AGREEMENT_SECONDS = "clock_agreement_seconds"
"""For how long the two must agree again before that ends."""
END_PROJECTS = "end_projects"
"""Whether projects end by themselves at their end dates; by default they do not."""
ENDING_NOTICE_DAYS = "ending_notice_days"
"""How many days before its end date a notice tells that a project ends; 0 for no notice."""
MOST_MEMBERS_TOLD = "most_members_told"
"""How many members a project may have if they are told by mail that it is suspended, ends, or comes back."""
MOST_KEYS = "most_keys"
"""How many valid keys a user can have."""
GRANT_NOTICE_DAYS = "grant_notice_days"
"""How many days before a grant expires a notice tells of it; 0 for no notice."""
PENDING_NOTICE_HOURS = "pending_notice_hours"
"""After how many hours a notice tells that a commission is still pending; by default none does."""
COMPATIBILITY = "compatibility"
"""The generation of the API that the service speaks; by default the newest."""
TRUSTED_PROXIES = "trusted_proxies"
"""The networks whose proxies' forwarding headers are believed; by default this machine."""
WEBHOOK_NETWORKS = "webhook_networks"
"""The networks besides the public ones that webhooks may be in; by default none."""
FOLLOWING = "following_defaults"
"""Which users follow a new default limit now, by resource; see `administration/default_following.py`."""
LOGIN = tuple(field.name for field in fields(LoginSettings))
"""The names of the settings for logins on web pages."""


def find(connection: Connection, name: str, default: Any = None) -> Any:
    """Returns a setting, or the default if it is not set."""
    row = connection.execute(FIND, (name,)).fetchone()
    return default if row is None else json.loads(row[0])


def login(connection: Connection) -> LoginSettings:
    """Returns the settings for logins on web pages, with defaults for those that are not set."""
    found = {name: find(connection, name) for name in LOGIN}
    if found["weblogin_next"] is not None:
        found["weblogin_next"] = tuple(found["weblogin_next"])
    return LoginSettings(**{name: value for name, value in found.items() if value is not None})


def save(connection: Connection, name: str, value: Any) -> None:
    """Stores a setting."""
    connection.execute(SAVE, (name, json.dumps(value)))


def delete(connection: Connection, name: str) -> None:
    """Deletes a setting, if it is set."""
    connection.execute(DELETE, (name,))
