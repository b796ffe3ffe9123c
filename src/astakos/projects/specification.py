"""What somebody asks a project to be: the values that are accepted (`http-api.md` §9)."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from astakos.clock import from_iso
from astakos.directory.entities import User
from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import Application, ApplicationState, Capacity, Policy
from astakos.projects.refusals import INACTIVE_OWNER, ProjectRefusedError, RefusalKind

LONGEST_NAME = 80
LONGEST_HOMEPAGE = 255
LONGEST_TEXT = 4096
LONGEST_SHOWN = 100
"""How much of a refused value a message repeats."""
NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,6}", re.IGNORECASE | re.ASCII)
AMOUNT = re.compile(r"([0-9]{1,19})([KMGTP]?)", re.IGNORECASE | re.ASCII)
UNITS = ("", "K", "M", "G", "T", "P")
INFINITE = "inf"
SCHEME = re.compile(r"([a-z][a-z0-9+-]*):", re.IGNORECASE | re.ASCII)
SKIPPED_BY_BROWSERS = re.compile(r"[\x00-\x20]+")
"""What browsers overlook in front of a scheme and within it."""
WEB = ("http", "https")


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What a project shall be, as it was asked for; None where nothing was said.

    Attributes:
        owner: the uuid of a user.
        start_date: ISO 8601 with a time zone, as `end_date`.
        max_members: a number, or a text as in `"2k"` or `"inf"`.
        parent: the uuid of the project that a new one shall be within.
        resources: the capacities to set, by resource.
    """

    name: str | None = None
    owner: str | None = None
    homepage: str | None = None
    description: str | None = None
    comments: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    join_policy: Policy | None = None
    leave_policy: Policy | None = None
    max_members: int | str | None = None
    private: bool | None = None
    parent: str | None = None
    resources: Mapping[str, Capacity] = field(default_factory=dict)

    @property
    def given(self) -> frozenset[str]:
        """The names of the fields about which something was said."""
        return frozenset(one.name for one in fields(self) if getattr(self, one.name) not in (None, {}))


class Surroundings(NamedTuple):
    """What a specification is judged by, besides itself.

    Attributes:
        now: the current instant; projects end after it.
        resources: the names of the resources that a project can be granted.
        find_user: finds a user by uuid.
        is_storable: whether every database can store a text.
        refuse_parent: says why a project, by uuid, cannot be what is asked for as the parent.
        present_owner: the uuid of the owner of the project that changes; None if there is none.
        present_homepage: the homepage of the project that changes.
    """

    now: int
    resources: Collection[str]
    find_user: Callable[[str], User | None]
    is_storable: Callable[[str], bool]
    refuse_parent: Callable[[str], str | None]
    present_owner: str | None = None
    present_homepage: str = ""


class Applied(NamedTuple):
    """The values of a specification, as applications have them; None where nothing was said."""

    name: str | None
    owner: str | None
    homepage: str | None
    description: str | None
    comments: str | None
    start_date: int | None
    end_date: int | None
    join_policy: Policy | None
    leave_policy: Policy | None
    max_members: int | None
    private: bool | None
    resources: Mapping[str, Capacity]

    def application(self, project: str, applicant: str, now: int) -> Application:
        """Returns the pending application that asks for these values; it has no number yet."""
        return Application(0, project, applicant, ApplicationState.PENDING, now, **self._asdict())


class InvalidField(NamedTuple):
    """A field with a value that is refused, and why."""

    name: str
    message: str


def complete(applied: Applied, owner: str) -> Applied:
    """Returns what creates a project: defaults stand where nothing was said.

    Args:
        applied: the values that were given.
        owner: the uuid of the owner unless one was given.

    Raises:
        ProjectRefusedError: the name or the end date is missing.
    """
    for name in ("name", "end_date"):
        if getattr(applied, name) is None:
            raise _invalid(f"the {name} is missing; a new project needs one")
    defaults: dict[str, Any] = {
        "owner": owner,
        "homepage": "",
        "description": "",
        "comments": "",
        "join_policy": Policy.MODERATED,
        "leave_policy": Policy.AUTO,
        "max_members": UNLIMITED,
        "private": False,
    }
    missing = {name: value for name, value in defaults.items() if getattr(applied, name) is None}
    return applied._replace(**missing)


def judge(asked: Specification, surroundings: Surroundings) -> Applied:
    """Judges the values of a specification, and returns what they mean.

    Raises:
        ProjectRefusedError: a value is invalid. The message says which, and what would be right.
    """
    for fault in faults_of(asked, surroundings):
        raise _invalid(fault.message)
    return Applied(
        name=asked.name,
        owner=asked.owner,
        homepage=asked.homepage,
        description=asked.description,
        comments=asked.comments,
        start_date=_instant(asked.start_date),
        end_date=_instant(asked.end_date),
        join_policy=asked.join_policy,
        leave_policy=asked.leave_policy,
        max_members=None if asked.max_members is None else amount_of(asked.max_members),
        private=asked.private,
        resources=asked.resources,
    )


def faults_of(asked: Specification, surroundings: Surroundings) -> Iterator[InvalidField]:
    """Yields what is wrong with the values of a specification, in the order in which they are judged."""
    yield from _refused_texts(asked, surroundings)
    if asked.owner is not None:
        yield from _refused_owner(asked.owner, surroundings)
    parent_refusal = None if asked.parent is None else surroundings.refuse_parent(asked.parent)
    if parent_refusal is not None:
        yield InvalidField("parent", parent_refusal)
    yield from _refused_end(asked.end_date, surroundings.now)
    yield from _refused_capacities(asked.resources, surroundings.resources)
    yield from _refused_time("start_date", asked.start_date)
    if asked.max_members is not None:
        try:
            amount_of(asked.max_members)
        except ProjectRefusedError as refusal:
            yield InvalidField("max_members", refusal.message)


def amount_of(given: int | str) -> int:
    """Returns the number of members that a number or a text means: `"2k"` is 2048, `"inf"` has no limit.

    Raises:
        ProjectRefusedError: it means none.
    """
    if isinstance(given, str):
        if given.lower() == INFINITE:
            return UNLIMITED
        found = AMOUNT.fullmatch(given)
        number = -1 if found is None else int(found[1]) * 1024 ** UNITS.index(found[2].upper())
    else:
        number = given
    if not 0 <= number <= UNLIMITED:
        raise _invalid(
            f'the max_members must be from 0 to {UNLIMITED}, with a unit as in "2k", or "inf", '
            f"not {_shown(given)}"
        )
    return number


def _refused_texts(asked: Specification, surroundings: Surroundings) -> Iterator[InvalidField]:
    if asked.name is not None and (len(asked.name) > LONGEST_NAME or not NAME.fullmatch(asked.name)):
        yield InvalidField(
            "name",
            f"the name must look like a domain name, as in lab.example.org, with at most {LONGEST_NAME} "
            f"characters, not {_shown(asked.name)}",
        )
    for name, longest in (
        ("homepage", LONGEST_HOMEPAGE),
        ("description", LONGEST_TEXT),
        ("comments", LONGEST_TEXT),
    ):
        text: str = getattr(asked, name) or ""
        if len(text) > longest:
            yield InvalidField(name, f"the {name} must have at most {longest} characters, not {len(text)}")
        if not surroundings.is_storable(text):
            yield InvalidField(name, f"the {name} must not contain NUL characters or unpaired surrogates")
    # What the project has already can be sent back, as with the owner.
    if asked.homepage and asked.homepage != surroundings.present_homepage:
        yield from _refused_homepage(asked.homepage)


def _refused_homepage(homepage: str) -> Iterator[InvalidField]:
    """Refuses schemes other than http and https; the recorded protocol allows a text without a scheme."""
    scheme = SCHEME.match(SKIPPED_BY_BROWSERS.sub("", homepage))
    if scheme is not None and scheme[1].lower() not in WEB:
        yield InvalidField(
            "homepage", f"the homepage must begin with https:// or http://, not {_shown(homepage)}"
        )


def _refused_owner(uuid: str, surroundings: Surroundings) -> Iterator[InvalidField]:
    user = surroundings.find_user(uuid)
    if user is None or not user.is_accepted:
        yield InvalidField("owner", f"the owner must be the UUID of an accepted user, not {_shown(uuid)}")
    # Whoever owns it already stays the owner, so that a client can send back all values that it has read.
    elif not user.is_active and uuid != surroundings.present_owner:
        yield InvalidField("owner", INACTIVE_OWNER)


def _refused_end(text: str | None, now: int) -> Iterator[InvalidField]:
    wrong = list(_refused_time("end_date", text))
    yield from wrong
    end = None if wrong else _instant(text)
    if end is not None and end <= now:
        yield InvalidField("end_date", f"the end_date must be in the future, not {_shown(text)}")


def _refused_time(name: str, text: str | None) -> Iterator[InvalidField]:
    try:
        _instant(text)
    except ValueError:
        yield InvalidField(
            name,
            f"the {name} must be an ISO 8601 time with a time zone, as in 2031-02-03T04:05:06+00:00, "
            f"not {_shown(text)}",
        )


def _instant(text: str | None) -> int | None:
    return None if text is None else from_iso(text)


def _refused_capacities(
    resources: Mapping[str, Capacity], grantable: Collection[str]
) -> Iterator[InvalidField]:
    for name, capacity in resources.items():
        if name not in grantable:
            yield InvalidField("resources", f"there is no resource {_shown(name)}")
        elif not 0 <= capacity.member <= capacity.project <= UNLIMITED:
            yield InvalidField(
                "resources",
                f"the capacities of {name} must be from 0 to {UNLIMITED}, and member_capacity must "
                "not be larger than project_capacity",
            )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _invalid(message: str) -> ProjectRefusedError:
    return ProjectRefusedError(RefusalKind.INVALID, message)
