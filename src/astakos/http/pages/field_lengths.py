"""How long texts in fields of forms may be. The server says it, because browsers cut off what is longer."""

from collections.abc import Mapping
from typing import Final

LONGEST_REGISTERED: Final[Mapping[str, int]] = {
    "type": 255,
    "base_url": 1000,
    "ui_url": 1000,
    "version": 40,
    "endpoints": 10_000,
    "others": 10_000,
    "description": 1000,
    "unit": 40,
}
"""The fields of what is registered: components, services and resources. Names have rules of their own."""


def too_long(
    given: Mapping[str, str], longest: Mapping[str, int], known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Returns what is wrong with the lengths of fields, by field.

    Args:
        given: What was filled in.
        longest: How many characters each field may have.
        known: What is stored already: that stays, however long it is.
    """
    stays = known or {}
    return {
        name: f"Write at most {most:,} characters. These are {len(given[name]):,}."
        for name, most in longest.items()
        if len(given.get(name, "")) > most and given[name] != stays.get(name)
    }
