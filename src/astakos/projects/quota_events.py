"""The events of limits: a part of one is reached, or it has refused, or would have refused, an import."""

from collections.abc import Mapping
from typing import Any

from astakos.clock import to_iso
from astakos.events.event import SERVICE, Event
from astakos.ledger.alerts import AlertKind

KINDS: Mapping[AlertKind, str] = {kind: f"quota.{kind}" for kind in AlertKind}
"""The kinds of events by what happened."""
KEY = "key"
"""The name in `after` of the prefix of the key whose limit it is."""


def quota_event(
    kind: AlertKind,
    resource: str,
    *,
    project: str | None,
    user: str | None,
    key: str | None,
    percent: int,
    usage: int,
    limit: int,
    time: int,
    start: int,
    resets: int | None,
) -> Event:
    """Returns the event of something that is told of a holding.

    Args:
        kind: what happened.
        resource: the resource, which can be a meter.
        project: the uuid of the project; of a key, the only one that it draws from, if it is limited to one.
        user: the uuid of the member whose holding it is, or whose key; None for the project's own.
        key: what the key begins with whose holding it is, if it is one's.
        percent: the threshold that was crossed; otherwise 0.
        usage: what is settled, or for refusals, in use and reserved.
        limit: the limit of the holding.
        time: when it happened.
        start: when the period began.
        resets: when the period ends, if all that is settled is forgiven then.
    """
    after: dict[str, Any] = {
        "resource": resource,
        "usage": usage,
        "limit": limit,
        "at": to_iso(time),
        "period_start": to_iso(start),
        "resets": None if resets is None else to_iso(resets),
    }
    if percent:
        after["percent"] = percent
    if key is not None:
        after[KEY] = key
    return Event(KINDS[kind], SERVICE, project, user, after=after)
