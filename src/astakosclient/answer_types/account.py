"""Who holds a token, and what services there are."""

from typing import Any, NotRequired, TypeAlias, TypedDict


class UserInfo(TypedDict):
    """The holder of a token; see `get_user_info`.

    ``auth_token_created`` and ``auth_token_expires`` are in milliseconds since the Unix epoch;
    ``auth_token_expires`` is None for a token that does not expire. ``key`` is the prefix of the key that was
    sent in place of a token.
    """

    id: int
    username: str
    uuid: str
    email: list[str]
    name: str
    groups: list[str]
    auth_token: str | None
    auth_token_created: int
    auth_token_expires: int | None
    key: NotRequired[str]


class Role(TypedDict):
    """A group that the user belongs to."""

    id: str
    name: str


class Tenant(TypedDict):
    """The tenant of a token: the user, or the user's default project."""

    id: str | None
    name: str


class TokenInfo(TypedDict):
    """A token; ``expires`` is an ISO 8601 time, or None for a token that does not expire.

    ``key`` is the prefix of the key that was sent in place of a token.
    """

    id: str
    expires: str | None
    tenant: Tenant
    key: NotRequired[str]


class AccessUser(TypedDict):
    """The holder of a token, in OpenStack's format. ``id`` and ``projects`` are UUIDs."""

    id: str
    name: str
    roles: list[Role]
    roles_links: list[Any]
    projects: NotRequired[list[str]]


Endpoint: TypeAlias = dict[str, str | None]
"""An endpoint of a service: ``publicURL``, ``versionId``, ``region``, ``SNF:uiURL`` and other keys."""


class CatalogService(TypedDict):
    """A service in the service catalog."""

    name: str
    type: str
    endpoints: list[Endpoint]
    endpoints_links: list[Any]


class Access(TypedDict):
    """A token, its holder, and the service catalog."""

    serviceCatalog: list[CatalogService]
    token: TokenInfo
    user: AccessUser


class Endpoints(TypedDict):
    """The result of `get_endpoints` with a token; pass it to `parse_endpoints` to find an endpoint."""

    access: Access


class CatalogAlone(TypedDict):
    """The service catalog."""

    serviceCatalog: list[CatalogService]


class Catalog(TypedDict):
    """The result of `LaterClient.get_endpoints`; pass it to `parse_endpoints` to find an endpoint."""

    access: CatalogAlone


class ValidatedToken(TypedDict):
    """An OAuth2 access token and its holder."""

    token: TokenInfo
    user: AccessUser


class Validation(TypedDict):
    """What validating an OAuth2 access token returns."""

    access: ValidatedToken


class Cloudbar(TypedDict):
    """How to show a service in the navigation bar that all services share."""

    show: bool
    title: str


class Dashboard(TypedDict):
    """How to show a service on the user's start page."""

    show: bool
    order: int
    description: str


class Service(TypedDict):
    """A registered service, for menus; operators can add keys."""

    name: str
    url: str | None
    order: int
    verbose_name: str
    cloudbar: Cloudbar
    dashboard: Dashboard


class Resource(TypedDict):
    """A resource that quotas limit, for example ``cyclades.vm``.

    ``scale`` is how many digits after the point amounts in the ``unit`` have, if they have any: with 6, a
    quantity of 12500000 is 12.5. See :mod:`astakosclient.pricing`. ``max_debt`` is by how much a settlement
    with the policy ``debt`` may take usage beyond a limit, if that has a bound. With ``shadow``, its limits
    refuse nothing, and only report what they would refuse.
    """

    service: str
    description: str | None
    unit: str | None
    scale: NotRequired[int]
    max_debt: NotRequired[int]
    shadow: NotRequired[bool]
    ui_visible: NotRequired[bool]
    api_visible: NotRequired[bool]
    allow_in_projects: NotRequired[bool]
