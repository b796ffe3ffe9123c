"""The entities of the directory, as values (`identity-and-projects.md` §1–§2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from astakos.directory.api_keys import ApiKey
from astakos.directory.charging_rights import MayCharge

NO_BOUND = 2**63 - 1
"""The largest quantity, which bounds nothing."""


@dataclass(frozen=True, slots=True)
class User:
    """A user account.

    Attributes:
        id: the id in the database.
        uuid: the permanent public identifier.
        username: the email address in lowercase; unique.
        email: the address as the user typed it.
        is_active: whether the user's token works; requires a verified address and moderation.
        email_verified: whether the user has proven that they receive mail at the address.
        moderated: whether an administrator has accepted or rejected the user.
        is_rejected: whether that decision was a rejection.
        has_signed_terms: whether the user has signed the current terms of service.
        default_project: the uuid of the project to draw from when a request names none; initially the
            user's system project.
        token_created: instant; None if the user has no token.
        token_expires: instant after which the token is refused; None if never.
        key: the key that was sent in place of a token; None for a token.
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
    key: ApiKey | None = None

    @property
    def name(self) -> str:
        """The full name: first name, space, last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def is_accepted(self) -> bool:
        """Whether the user was accepted; only accepted users have a system project."""
        return self.moderated and not self.is_rejected

    def with_token(self, created: int, expires: int) -> "User":
        """Returns the user with the times of a token that is not their own one."""
        return replace(self, token_created=created, token_expires=expires)


class UserRecord(NamedTuple):
    """When and why an account reached its state, and further data about the user.

    Times are instants. Unknown values are None.

    Attributes:
        date_joined: when the account was created.
        verified_at: when the email address was verified.
        moderated_at: when the user was accepted or rejected.
        deactivated_reason: why the account is not active.
        rejected_reason: why the user was rejected.
        accepted_policy: the policy under which the user was accepted, for example `manual`.
        affiliation: the organization that the user belongs to.
        metadata: free data for programs.
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
    """A user as administrators see them."""

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
    """A program that calls with its own token, and owns services and commissions.

    Attributes:
        may_charge: the resources that it may charge besides its own; see `directory/charging_rights.py`.
    """

    id: int
    name: str
    ui_url: str | None = None
    base_url: str | None = None
    token_created: int | None = None
    token_expires: int | None = None
    menu: Mapping[str, object] = field(default_factory=dict)
    may_charge: MayCharge = None

    @property
    def is_restricted(self) -> bool:
        """Whether there are resources that the component may not charge."""
        return isinstance(self.may_charge, tuple)


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a component, with its endpoints; each endpoint maps names to texts."""

    id: int
    name: str
    type: str
    component: Component
    endpoints: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource whose usage the ledger counts.

    Attributes:
        service: the name of the service that offers the resource.
        unit: the unit of its quantities; None if they count things.
        scale: how many digits after the point amounts in that unit have: with 6, 12500000 is 12.5.
        system_default: the limit in a new system project.
        project_default: the limit in any other project that does not set one.
        ui_visible: whether web pages show the resource to users.
        api_visible: whether the public list and users' quotas include the resource.
        max_debt: by how much a settlement with the policy `debt` may take usage beyond a limit.
        thresholds: percentages of a limit that are told when they are reached; None for those of its kind.
        shadow: whether limits only report what they would refuse.
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
    scale: int = 0
    max_debt: int = NO_BOUND
    thresholds: tuple[int, ...] | None = None
    shadow: bool = False
