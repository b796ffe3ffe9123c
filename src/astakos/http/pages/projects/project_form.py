"""The form that asks for a project or for changes to one: what it shows, and what has been written into it.

A form has a bounded number of fields, and resources can be many: it shows those that are searched for, and
those that have been filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from astakos.clock import EPOCH
from astakos.directory.entities import Resource
from astakos.ledger.rules import UNLIMITED
from astakos.pages.amounts import TooLargeError, read_amount, written
from astakos.pages.preferences import Preferences
from astakos.pages.tables import LONGEST_SEARCH
from astakos.projects.project import Capacity, Policy, Project
from astakos.projects.specification import INFINITE, Specification

ROWS: Final = 20
"""How many resources a form shows at most: two fields each, of 64 that a form can have."""
LONG: Final = 12
"""From so many resources on, the form offers to search."""
ALL_TOGETHER: Final = "all."
EACH: Final = "each."
TEXTS: Final = ("name", "homepage", "description", "comments")
MIDNIGHT: Final = "T00:00:00+00:00"


class ResourceRow(NamedTuple):
    """The fields of a resource: what was written, what is wrong with it, and what holds without it."""

    resource: Resource
    together: str
    each: str
    together_error: str
    each_error: str
    present: Capacity


@dataclass(frozen=True, slots=True)
class ProjectForm:
    """A form as it is shown, for the first time or again.

    Attributes:
        values: What the fields hold, by name.
        errors: What is wrong, by the name of the field.
        rows: The resources that are shown.
        is_long: Whether there are enough resources to search.
        hidden: How many more resources match.
    """

    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    rows: list[ResourceRow] = field(default_factory=list)
    is_long: bool = False
    hidden: int = 0


class Read(NamedTuple):
    """What a form asks for, and what could not be read, by the name of the field."""

    asked: Specification
    errors: dict[str, str]


def values_of(project: Project | None) -> dict[str, str]:
    """Returns what the fields hold at first: what the project is now, or what is usual."""
    if project is None:
        return {"join_policy": Policy.MODERATED.value, "leave_policy": Policy.AUTO.value}
    return {
        "name": project.name,
        "homepage": project.homepage,
        "description": project.description,
        "end_date": date_of(project.end_date),
        "join_policy": project.join_policy.value,
        "leave_policy": project.leave_policy.value,
        "max_members": "" if project.max_members >= UNLIMITED else str(project.max_members),
        "private": "yes" if project.private else "",
    }


def read(
    form: Mapping[str, str],
    resources: Mapping[str, Resource],
    present: Mapping[str, Capacity],
    project: Project | None,
    preferences: Preferences,
) -> Read:
    """Reads a form that has been sent.

    Args:
        form: Its fields.
        resources: The resources that can be asked for.
        present: What holds without anything said: limits of the project, or the usual ones of a new project.
        project: The project that shall change; None for a new one.
        preferences: How whoever has filled it in writes amounts.
    """
    errors: dict[str, str] = {}
    limits = _limits(form, resources, present, errors, preferences, is_new=project is None)
    if project is not None and project.system_project:
        return Read(Specification(resources=limits), errors)
    values: dict[str, Any] = {name: form[name].strip() for name in TEXTS if name in form}
    values["end_date"] = _end(form.get("end_date", "").strip(), errors)
    values["start_date"] = _day("start_date", form.get("start_date", "").strip(), errors)
    for name in ("join_policy", "leave_policy"):
        if form.get(name) in set(Policy):
            values[name] = Policy(form[name])
    values["max_members"] = _members(form.get("max_members", "").strip(), errors, preferences)
    values["private"] = bool(form.get("private"))
    if project is not None:
        values = {name: value for name, value in values.items() if not _is_kept(project, name, value)}
    elif not values.get("name"):
        errors["name"] = "The project needs a name."
    return Read(Specification(**values, resources=limits), errors)


def shown(
    form: Mapping[str, str],
    errors: Mapping[str, str],
    resources: Mapping[str, Resource],
    present: Mapping[str, Capacity],
) -> ProjectForm:
    """Returns a form with what has been written into it, and the resources that match a search."""
    words = form.get("find", "")[:LONGEST_SEARCH].lower().split()
    filled = [name for name in resources if _texts(form, name) != ("", "")]
    matching = [
        name
        for name, one in resources.items()
        if name not in filled and all(word in f"{name} {one.description}".lower() for word in words)
    ]
    names = [*filled, *matching][:ROWS]
    rows = [
        ResourceRow(
            resources[name],
            *_texts(form, name),
            errors.get(f"{ALL_TOGETHER}{name}", ""),
            errors.get(f"{EACH}{name}", ""),
            present[name],
        )
        for name in sorted(names)
    ]
    hidden = max(0, len(filled) + len(matching) - ROWS)
    return ProjectForm(form, errors, rows, len(resources) > LONG, hidden)


def asked_texts(
    asked: Mapping[str, Capacity], resources: Mapping[str, Resource], preferences: Preferences
) -> dict[str, str]:
    """Returns the fields that ask for capacities, as far as a form has room for them."""
    fields: dict[str, str] = {}
    for name in [name for name in asked if name in resources][:ROWS]:
        one = resources[name]
        fields[f"{ALL_TOGETHER}{name}"] = written(asked[name].project, preferences, one.unit, one.scale)
        fields[f"{EACH}{name}"] = written(asked[name].member, preferences, one.unit, one.scale)
    return fields


def date_of(instant: int) -> str:
    """Returns the day of an instant, as a field for dates holds it."""
    return f"{EPOCH + timedelta(microseconds=instant):%Y-%m-%d}"


def _texts(form: Mapping[str, str], name: str) -> tuple[str, str]:
    return form.get(f"{ALL_TOGETHER}{name}", "").strip(), form.get(f"{EACH}{name}", "").strip()


def _is_kept(project: Project, name: str, value: Any) -> bool:
    """Whether a field says what the project is already, or nothing."""
    if name == "start_date":
        # Only applications have one.
        return value is None
    if name == "end_date":
        return value is None or value.removesuffix(MIDNIGHT) == date_of(project.end_date)
    if name == "max_members":
        return (UNLIMITED if value == INFINITE else value) == project.max_members
    return name != "comments" and value == getattr(project, name)


def _end(text: str, errors: dict[str, str]) -> str | None:
    if not text:
        errors["end_date"] = "Say when the project shall end."
        return None
    return _day("end_date", text, errors)


def _day(name: str, text: str, errors: dict[str, str]) -> str | None:
    if not text:
        return None
    try:
        datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        errors[name] = "Write year, month and day, for example 2031-06-30."
        return None
    return text + MIDNIGHT


def _members(text: str, errors: dict[str, str], preferences: Preferences) -> int | str | None:
    try:
        number = read_amount(text, preferences) if text else UNLIMITED
    except TooLargeError:
        errors["max_members"] = "This is too large. Leave the field empty for no limit."
        return None
    except ValueError:
        errors["max_members"] = "Write a whole number, or nothing for no limit."
        return None
    return INFINITE if number == UNLIMITED else number


def _limits(
    form: Mapping[str, str],
    resources: Mapping[str, Resource],
    present: Mapping[str, Capacity],
    errors: dict[str, str],
    preferences: Preferences,
    *,
    is_new: bool,
) -> dict[str, Capacity]:
    found: dict[str, Capacity] = {}
    for name, one in resources.items():
        together, each = _texts(form, name)
        if not together and not each:
            continue
        whole = _quantity(one, ALL_TOGETHER, together, present[name].project, errors, preferences)
        if whole is None:
            # What each member gets is still read, so that all mistakes are told at once.
            _quantity(one, EACH, each, 0, errors, preferences)
            continue
        usual = whole if is_new else min(whole, present[name].member)
        part = _quantity(one, EACH, each, usual, errors, preferences)
        if part is None:
            continue
        if part > whole:
            errors[f"{EACH}{name}"] = (
                "Each member cannot have more than all together, which is "
                f"{written(whole, preferences, one.unit, one.scale)}."
            )
        found[name] = Capacity(whole, part)
    return found


def _quantity(
    resource: Resource,
    prefix: str,
    text: str,
    otherwise: int,
    errors: dict[str, str],
    preferences: Preferences,
) -> int | None:
    """Returns what a field of a resource says, or what holds if it is empty; None if it says no amount."""
    try:
        return read_amount(text, preferences, resource.unit, resource.scale) if text else otherwise
    except ValueError as error:
        errors[f"{prefix}{resource.name}"] = str(error)
        return None
