"""What version 3 of the identity API answers, as types."""

from typing import Any, NotRequired, TypedDict


class Domain(TypedDict):
    """The domain that something belongs to."""

    id: str
    name: str


class KeystoneRole(TypedDict):
    """A group of a user."""

    id: str
    name: str


class TokenUser(TypedDict):
    """Whose token it is."""

    id: str
    name: str
    domain: Domain
    password_expires_at: None


class TokenProject(TypedDict):
    """What a token is for."""

    id: str
    name: str
    domain: Domain


class KeystoneEndpoint(TypedDict):
    """Where a service is, for one kind of caller."""

    id: str
    interface: str
    region: str
    region_id: str
    url: str


class KeystoneService(TypedDict):
    """A service of the catalogue."""

    id: str
    name: str
    type: str
    endpoints: list[KeystoneEndpoint]


class Token(TypedDict):
    """What a token says; it stands itself in the header X-Subject-Token."""

    methods: list[str]
    user: TokenUser
    audit_ids: list[str]
    issued_at: str
    expires_at: str
    roles: list[KeystoneRole]
    project: NotRequired[TokenProject]
    is_domain: NotRequired[bool]
    catalog: NotRequired[list[KeystoneService]]


class TokenAnswer(TypedDict):
    """A token."""

    token: Token


class OwnLink(TypedDict):
    """Where it is."""

    self: str


class PageLinks(TypedDict):
    """Where it is; there is only one page."""

    self: str
    previous: None
    next: None


class CatalogAnswer(TypedDict):
    """The services."""

    catalog: list[KeystoneService]
    links: OwnLink


class KeystoneProject(TypedDict):
    """A project that its reader may draw from."""

    id: str
    name: str
    description: str
    domain_id: str
    parent_id: str
    enabled: bool
    is_domain: bool
    tags: list[str]
    options: dict[str, Any]
    links: OwnLink


class ProjectAnswer(TypedDict):
    """A project."""

    project: KeystoneProject


class ProjectsAnswer(TypedDict):
    """Projects."""

    projects: list[KeystoneProject]
    links: PageLinks


class KeystoneDomain(TypedDict):
    """The one domain."""

    id: str
    name: str
    description: str
    enabled: bool
    tags: list[str]
    options: dict[str, Any]
    links: OwnLink


class DomainAnswer(TypedDict):
    """A domain."""

    domain: KeystoneDomain


class DomainsAnswer(TypedDict):
    """Domains."""

    domains: list[KeystoneDomain]
    links: PageLinks


class KeystoneUser(TypedDict):
    """A user as they see themselves."""

    id: str
    name: str
    email: str
    description: str
    domain_id: str
    default_project_id: str
    enabled: bool
    password_expires_at: None
    options: dict[str, Any]
    links: OwnLink


class UserAnswer(TypedDict):
    """A user."""

    user: KeystoneUser
