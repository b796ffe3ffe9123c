"""The holdings of API keys: what they are limited to, and what they have used (`ledger/key_levels.py`)."""

from collections.abc import Mapping
from typing import NamedTuple

from astakos.ledger.key_levels import key_holder
from astakos.ledger.rules import UNLIMITED, Holding, Key
from astakos.projects.limits import user_holder
from astakos.storage.protocol import Connection
from astakos.storage.tables.metered_figures import MeteredFigures, Period

ADD = """
INSERT INTO holdings (holder, source, resource, "limit", usage_min, usage_max) VALUES (?, ?, ?, ?, 0, 0)
ON CONFLICT (holder, source, resource) DO NOTHING
"""
SET_LIMIT = """
UPDATE holdings SET "limit" = ? WHERE holder = ? AND source = ? AND resource = ? AND "limit" <> ?
"""
LIST = """
SELECT id, resource, "limit", usage_min, usage_max, mark FROM holdings
WHERE holder = ? AND source = ? ORDER BY id
"""
EXIST = "SELECT EXISTS (SELECT 1 FROM holdings WHERE holder = ?)"


class KeyQuota(NamedTuple):
    """What a key may use of a resource, and what it uses."""

    resource: str
    holding: Holding
    period: Period | None = None


def exist(connection: Connection, prefix: str) -> bool:
    """Whether there are holdings of a key with this prefix, even if the key is gone."""
    return bool(connection.execute(EXIST, (key_holder(prefix),)).fetchone()[0])


def limits_of(connection: Connection, user: str, prefix: str) -> dict[str, int | None]:
    """Returns the limits of a key of a user, given by uuid; None for what is only counted."""
    rows = connection.execute(LIST, (key_holder(prefix), user_holder(user)))
    return {resource: None if limit == UNLIMITED else limit for _, resource, limit, *_ in rows}


def set_limits(connection: Connection, user: str, prefix: str, limits: Mapping[str, int | None]) -> None:
    """Sets limits of a key of a user; None for what is only counted. Others stay."""
    holder, source = key_holder(prefix), user_holder(user)
    for resource, given in limits.items():
        limit = UNLIMITED if given is None else given
        connection.execute(ADD, (holder, source, resource, limit))
        connection.execute(SET_LIMIT, (limit, holder, source, resource, limit))


def quotas_of(connection: Connection, user: str, prefix: str, now: int) -> list[KeyQuota]:
    """Reads what a key of a user may use, and what it uses."""
    figures = MeteredFigures(connection, now)
    holder, source = key_holder(prefix), user_holder(user)
    found = []
    for identifier, resource, *holding, mark in connection.execute(LIST, (holder, source)).fetchall():
        key = Key(holder, source, resource)
        present = figures.at_present(key, identifier, Holding(*holding), mark)
        found.append(KeyQuota(resource, present.holding, present.period))
    return found
