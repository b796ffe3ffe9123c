"""The responses of version 3 of the identity API, as types."""

from typing import Any, NotRequired, TypedDict


class Domain(TypedDict):
    """The domain of a user or project."""

    id: str
    name: str


class KeystoneRole(TypedDict):
    """A group that the user is in."""

    id: str
    name: str


class TokenUser(TypedDict):
    """The user of the token."""

    id: str
    name: str
    domain: Domain
    password_expires_at: None


class TokenProject(TypedDict):
    """The project that the token is scoped to."""

    id: str
    name: str
    domain: Domain


class KeystoneEndpoint(TypedDict):
    """The URL of a service, for one interface."""

    id: str
    interface: str
    region: str
    region_id: str
    url: str


class KeystoneService(TypedDict):
    """A service in the catalog."""

    id: str
    name: str
    type: str
    endpoints: list[KeystoneEndpoint]


class Token(TypedDict):
    """The contents of a token. The token itself is in the X-Subject-Token header."""

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
    """The contents of a token."""

    token: Token


class OwnLink(TypedDict):
    """The URL of the object."""

    self: str


class PageLinks(TypedDict):
    """The URL of the list, which always has a single page."""

    self: str
    previous: None
    next: None


class CatalogAnswer(TypedDict):
    """The service catalog."""

    catalog: list[KeystoneService]
    links: OwnLink


class KeystoneProject(TypedDict):
    """A project that the caller can draw from."""

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
    """A list of projects."""

    projects: list[KeystoneProject]
    links: PageLinks


class KeystoneDomain(TypedDict):
    """The only domain."""

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
    """A list of domains."""

    domains: list[KeystoneDomain]
    links: PageLinks


class KeystoneUser(TypedDict):
    """The calling user."""

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
