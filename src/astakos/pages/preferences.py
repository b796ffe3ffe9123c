"""How a reader wants numbers and times: what pages are written with."""

import re
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

BROWSERS_ZONE: Final = ""
"""Stands for the zone of the browser, which only its scripts know; without them, UTC."""
UTC: Final = ZoneInfo("UTC")
NUMBER: Final = re.compile(r"[0-9][0-9.,]*")
LONGEST_ZONE: Final = 64


class NumberStyle(NamedTuple):
    """What stands between thousands, and before a fraction."""

    group: str
    point: str


NUMBER_STYLES: Final = {
    "en": NumberStyle(",", "."),
    "de": NumberStyle(".", ","),
    "fr": NumberStyle("\N{NARROW NO-BREAK SPACE}", ","),
    "ch": NumberStyle("\N{RIGHT SINGLE QUOTATION MARK}", "."),
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """The choice of a reader.

    Attributes:
        numbers: One of `NUMBER_STYLES`.
        zone: The name of a time zone, or `BROWSERS_ZONE`.
    """

    numbers: str = "en"
    zone: str = BROWSERS_ZONE

    @property
    def time_zone(self) -> ZoneInfo:
        """The zone that pages are written in."""
        return ZoneInfo(self.zone) if self.zone else UTC

    def in_style(self, text: str) -> str:
        """Returns a text of `numbers.py`, which begins with a number, as the reader wants it."""
        style = NUMBER_STYLES[self.numbers]
        swapped = str.maketrans({",": style.group, ".": style.point})
        return NUMBER.sub(lambda found: found[0].translate(swapped), text, count=1)

    @property
    def cookie(self) -> str:
        """The text that `preferences_of` reads."""
        return f"{self.numbers}|{self.zone}"


def preferences_of(text: str) -> Preferences:
    """Reads what a cookie holds. What is not valid counts as not chosen."""
    numbers, _, zone = text.partition("|")
    return Preferences(
        numbers if numbers in NUMBER_STYLES else "en", zone if is_zone(zone) else BROWSERS_ZONE
    )


def is_zone(name: str) -> bool:
    """Whether there is such a time zone here."""
    if not name or len(name) > LONGEST_ZONE or name not in zones():
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


@cache
def zones() -> tuple[str, ...]:
    """Returns the names of the time zones that people choose from."""
    named = (name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return ("UTC", *sorted(named))


PLAIN: Final = Preferences()
"""Those of readers who have chosen nothing."""
current: ContextVar[Preferences] = ContextVar("preferences")
"""Those of the reader of the page that is being rendered."""
