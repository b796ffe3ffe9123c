"""The form of an API key: what it shows of a key, and what is wanted of what was filled in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from astakos.administration.key_changes import LONGEST_NAME, Wanted
from astakos.administration.key_quotas import Limits
from astakos.clock import DAY
from astakos.directory.api_keys import ApiKey
from astakos.directory.entities import Resource
from astakos.pages.amounts import read_amount, written
from astakos.pages.days import day_of, end_of
from astakos.pages.preferences import Preferences

USUAL_LIFETIME: Final = 90 * DAY
MOST_CHOICES: Final = 24
"""How many services or resources the form offers: a form has at most 64 fields."""
SERVICE: Final = "service-"
LIMIT: Final = "limit-"


class Choice(NamedTuple):
    """A service that can be ticked."""

    name: str
    is_chosen: bool


class LimitField(NamedTuple):
    """A resource that the key can have a limit of."""

    resource: str
    description: str
    unit: str
    value: str
    error: str


@dataclass(slots=True)
class KeyForm:
    """The form.

    Attributes:
        resources: The resources that it offers to limit, by name.
        services: The names of the services that it offers.
        preferences: How its reader writes amounts, and the time zone of its dates.
        known: The key that it changes; None for a new one.
        known_limits: The limits of that key.
        given: What was filled in; None to show it as it begins.
        errors: What is wrong with it, by field.
    """

    resources: Mapping[str, Resource]
    services: Sequence[str]
    preferences: Preferences
    known: ApiKey | None = None
    known_limits: Limits = field(default_factory=dict)
    given: Mapping[str, str] | None = None
    errors: dict[str, str] = field(default_factory=dict)

    def value(self, name: str, otherwise: str) -> str:
        """Returns what was filled in, or what the form begins with."""
        return otherwise if self.given is None else self.given.get(name, "")

    @property
    def name(self) -> str:
        """What the key is called."""
        return self.value("name", "" if self.known is None else self.known.name)

    def expires(self, now: int) -> str:
        """Returns the last day of the key; "" for none."""
        first = now + USUAL_LIFETIME if self.known is None else self.known.expires
        return self.value("expires", "" if first is None else day_of(first, self.preferences.time_zone))

    @property
    def project(self) -> str:
        """The UUID of the only project; "" for all."""
        return self.value("project", "")

    @property
    def service_choices(self) -> list[Choice]:
        """The services, and which of them accept the key."""
        chosen = set(self._chosen_services())
        return [Choice(name, name in chosen) for name in self.services]

    @property
    def limit_fields(self) -> list[LimitField]:
        """The resources, and their limits."""
        return [
            LimitField(
                one.name,
                one.description,
                one.unit or "",
                self.value(f"{LIMIT}{one.name}", self._known_limit(one)),
                self.errors.get(f"{LIMIT}{one.name}", ""),
            )
            for one in self.resources.values()
        ]

    @property
    def has_limits(self) -> bool:
        """Whether a limit is filled in, or was wrong."""
        return any(one.value or one.error for one in self.limit_fields)

    def _known_limit(self, resource: Resource) -> str:
        limit = self.known_limits.get(resource.name)
        return "" if limit is None else written(limit, self.preferences, resource.unit, resource.scale)

    def _chosen_services(self) -> Sequence[str]:
        if self.given is None:
            return () if self.known is None else self.known.services or ()
        ticked = self.given
        return [name for name in self.services if ticked.get(f"{SERVICE}{name}")]

    def wanted(self, now: int) -> Wanted:
        """Returns what is wanted of the key; `errors` says what is wrong, if anything is."""
        known = self.known
        name = self.name.strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            self.errors["name"] = f"Give it a name of at most {LONGEST_NAME} characters."
        expires = self._read_expires(now)
        services = list(self._chosen_services())
        if known is not None:
            # Those that the form cannot offer stay.
            services += [one for one in known.services or () if one not in self.services]
        limits: dict[str, int | None] = {}
        for one in self.resources.values():
            self._read_limit(one, limits)
        return Wanted(
            name,
            expires,
            services or None,
            None if known is None else known.calls,
            None if known is None else known.networks,
            self.project or None,
            limits,
        )

    def _read_expires(self, now: int) -> int | None:
        text, known = self.expires(now), self.known
        if not text:
            return None
        if (
            known is not None
            and known.expires is not None
            and text == day_of(known.expires, self.preferences.time_zone)
        ):
            return known.expires
        try:
            expires = end_of(text, self.preferences.time_zone)
        except ValueError:
            self.errors["expires"] = "Write a date like 2031-02-28, or nothing for a key without an end."
            return None
        if expires <= now:
            self.errors["expires"] = "This day is over. Choose a later one."
        return expires

    def _read_limit(self, resource: Resource, limits: dict[str, int | None]) -> None:
        name = f"{LIMIT}{resource.name}"
        text = self.value(name, "").strip()
        if not text:
            if self.known_limits.get(resource.name) is not None:
                limits[resource.name] = None
            return
        try:
            limits[resource.name] = read_amount(text, self.preferences, resource.unit, resource.scale)
        except ValueError as error:
            self.errors[name] = str(error)


def offered_resources(resources: Iterable[Resource], limits: Limits) -> dict[str, Resource]:
    """Returns the resources that a form offers to limit: those that already are, and that people see."""
    visible = [one for one in resources if one.ui_visible or limits.get(one.name) is not None]
    visible.sort(key=lambda one: limits.get(one.name) is None)
    return {one.name: one for one in visible[:MOST_CHOICES]}
