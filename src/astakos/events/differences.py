"""What an event says of a change: the values that differ, within bounds."""

from typing import Any

from astakos.events.event import Details

LONGEST_TEXT = 2000
"""The most characters of a text that an event contains."""
LONGEST_LIST = 200
"""The most entries of a list that an event contains."""
CUT = "…"


def differences(before: Details | None, after: Details) -> tuple[Details | None, Details]:
    """Returns the values that differ, before and after a change; all of them if there was nothing before."""
    if before is None:
        return None, after
    names = [name for name, value in after.items() if before.get(name) != value]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def bounded(value: Any) -> Any:
    """Returns a JSON value with its long texts and lists cut short, and the ends marked."""
    match value:
        case str() if len(value) > LONGEST_TEXT:
            return value[:LONGEST_TEXT] + CUT
        case list() | tuple():
            kept = [bounded(entry) for entry in value[:LONGEST_LIST]]
            return [*kept, CUT] if len(value) > LONGEST_LIST else kept
        case dict():
            return {name: bounded(entry) for name, entry in value.items()}
    return value
