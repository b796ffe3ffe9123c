"""Words for what an event has changed."""

import json
from collections.abc import Sequence
from typing import Any

from astakos.events.event import Details


def changes(before: Details | None, after: Details | None) -> Sequence[str]:
    """Returns the values that changed, for example `["limit: 10 → 20"]`.

    Args:
        before: the values before; None if there was nothing.
        after: the values after; None if there is nothing any more.
    """
    old, new = before or {}, after or {}
    told = []
    for name in dict.fromkeys([*old, *new]):
        values = [_value(values[name]) for values in (old, new) if name in values]
        # What identifies a thing stays the same; what a new thing leaves empty tells nothing.
        if name in old or new[name] not in (None, ""):
            told.append(f"{name}: {' → '.join(dict.fromkeys(values))}")
    return told


def _value(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
