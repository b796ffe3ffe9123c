"""Limits how much of each resource an API key may use, on holdings of its own (`ledger/key_levels.py`).

A key is charged for those resources only for which it was given a limit. The base of a meter is counted as
well, so that it can be seen what is in use.
"""

from collections.abc import Mapping

from astakos.administration.state_document import StateError
from astakos.ledger.meter_definitions import base_of
from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Connection
from astakos.storage.tables import key_holdings, registry
from astakos.storage.tables.meters import find_definitions

Limits = Mapping[str, int | None]
"""Limits by resource; None for one that is only counted."""
MOST_LIMITS = 64
"""How many resources a key can have limits for."""


class LimitRefusedError(StateError):
    """A key cannot have such a limit; the message says what would be right."""


def set_limits(connection: Connection, user: str, prefix: str, limits: Limits) -> dict[str, int | None]:
    """Sets limits of a key of a user, at once, and returns all that it has. Others stay.

    Raises:
        LimitRefusedError: there is no such resource, or a limit cannot be right.
    """
    if not limits:
        return key_holdings.limits_of(connection, user, prefix)
    meters = find_definitions(connection)
    known = key_holdings.limits_of(connection, user, prefix)
    changed: dict[str, int | None] = {}
    for resource, limit in limits.items():
        if not registry.has_resource(connection, resource):
            raise LimitRefusedError(f"limits: there is no resource {resource!r}")
        if limit is not None and not 0 <= limit <= UNLIMITED:
            scale = registry.scales(connection).get(resource, 0)
            step = f" (1 is 10^-{scale} of its unit)" if scale else ""
            raise LimitRefusedError(
                f"limits: {resource} must be from 0 to {UNLIMITED}{step}, or null for no limit"
            )
        base = base_of(resource) if resource in meters else None
        if base is not None and base not in known:
            changed.setdefault(base, None)
        changed[resource] = None if limit == UNLIMITED else limit
    if len(known | changed) > MOST_LIMITS:
        raise LimitRefusedError(
            f"limits: a key can have them for at most {MOST_LIMITS} resources, and it would be for "
            f"{len(known | changed)}, with those that meters count"
        )
    key_holdings.set_limits(connection, user, prefix, changed)
    return key_holdings.limits_of(connection, user, prefix)


def told_limits(limits: Limits) -> dict[str, int]:
    """Returns the limits alone, without what is only counted."""
    return {resource: limit for resource, limit in limits.items() if limit is not None}
