"""What the directory knows, as values (`identity-and-projects.md` §1–§2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class User:
    """A user account.

    Attributes:
        id: the number by which the database knows it.
        uuid: the permanent public identifier.
        username: the email address in lower case, unique.
        email: the address as it was typed.
        is_active: whether the token works; needs a verified address and moderation first.
        email_verified: the user has shown to receive mail there.
        moderated: an administrator has accepted or rejected the user.
        is_rejected: that decision was a rejection.
        has_signed_terms: the present terms of service are signed.
        default_project: the uuid of the project that pays if none is named; their own at first.
        token_created: instant, None if the user has no token.
        token_expires: instant after which the token is refused, None if never.
    """

    id: int
    uuid: str
    username: str
    email: str
    first_name: str
    last_name: str
    is_active: bool
    email_verified: bool
    moderated: bool
    is_rejected: bool
    has_signed_terms: bool
    default_project: str | None = None
    token_created: int | None = None
    token_expires: int | None = None

    @property
    def name(self) -> str:
        """First name, one space, last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def is_accepted(self) -> bool:
        """Moderated and not rejected: such a user has a system project."""
        return self.moderated and not self.is_rejected

    def with_token(self, created: int, expires: int) -> "User":
        """The same user as the holder of another token than their own, which has its own times."""
        return replace(self, token_created=created, token_expires=expires)


class UserRecord(NamedTuple):
    """When and why an account came to its state, and what else is known of the person.

    Times are instants; what is not known is None.

    Attributes:
        date_joined: when it was made.
        verified_at: when the mail address was found to be the user's.
        moderated_at: when the user was accepted or rejected.
        deactivated_reason: why the account is not active.
        rejected_reason: why the user was rejected.
        accepted_policy: by which rule the user was accepted, such as `manual`.
        affiliation: whom the user belongs to.
        metadata: for programs.
    """

    date_joined: int | None = None
    verified_at: int | None = None
    moderated_at: int | None = None
    deactivated_reason: str | None = None
    rejected_reason: str | None = None
    accepted_policy: str | None = None
    affiliation: str | None = None
    metadata: Mapping[str, object] = MappingProxyType({})


class Account(NamedTuple):
    """A user as administrators see one."""

    user: User
    record: UserRecord
    groups: tuple[str, ...]
    has_password: bool


class Group(NamedTuple):
    """A group of users; the API calls it a role."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Component:
    """A program that calls with a token of its own, and owns services and commissions."""

    id: int
    name: str
    ui_url: str | None = None
    base_url: str | None = None
    token_created: int | None = None
    token_expires: int | None = None
    menu: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a component with its endpoints, each a set of free texts by name."""

    id: int
    name: str
    type: str
    component: Component
    endpoints: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that is counted.

    Attributes:
        service: the name of the service that offers it.
        unit: what is counted, None for plain things.
        system_default: the limit in a new system project.
        project_default: the limit in other projects that do not name it.
        ui_visible: shown to users on pages.
        api_visible: shown in the public list and in users' quotas.
    """

    id: int
    name: str
    service: str
    service_type: str
    unit: str | None
    description: str
    system_default: int
    project_default: int
    ui_visible: bool
    api_visible: bool
