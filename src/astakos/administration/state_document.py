"""The declarative state of an installation as a JSON document, and reading one (`docs/state.md`)."""

from typing import Annotated, Any, Literal

import msgspec

from astakos.projects.project import MembershipState, Policy, ProjectState

COOKIE_NAME = r"^[A-Za-z0-9_.-]*$"
COOKIE_DOMAIN = r"^[A-Za-z0-9.-]+$"


class StateError(Exception):
    """A document, an archive, or what it asks for, is wrong; the text says where, and what would be right."""


class Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What all parts of a document have in common: unknown keys are refused, defaults are left out."""


class Settings(Entry):
    """`settings`."""

    moderation: bool | None = None
    project_admins: list[str] | None = None
    groups: list[str] = []
    helpdesk: list[str] | None = None
    admin_users: bool | None = None
    admin_users_groups: list[str] | None = None
    history_days: Annotated[int, msgspec.Meta(ge=1)] | None = None
    weblogin_next: list[str] | None = None
    cookie_name: Annotated[str, msgspec.Meta(pattern=COOKIE_NAME)] | None = None
    cookie_domain: Annotated[str, msgspec.Meta(pattern=COOKIE_DOMAIN)] | None = None
    session_hours: Annotated[int, msgspec.Meta(ge=1, le=8784)] | None = None
    access_token_seconds: Annotated[int, msgspec.Meta(ge=1, le=86400)] | None = None
    oauth2_without_tls: bool | None = None
    terms: str | None = None
    compatibility: Literal["newest", "0.14"] | None = None


class ComponentEntry(Entry):
    """One of `components`."""

    name: str
    ui_url: str | None = None
    base_url: str | None = None
    token: str | None = None
    token_hash: str | None = None
    token_created: str | None = None
    token_expires: str | None = None
    menu: dict[str, Any] = {}


class ServiceEntry(Entry):
    """One of `services`."""

    name: str
    type: str
    component: str
    endpoints: list[dict[str, str]] = []


class ResourceEntry(Entry):
    """One of `resources`."""

    name: str
    service: str
    service_type: str | None = None
    unit: str | None = None
    description: str = ""
    system_default: int = 2**63 - 1
    project_default: int | None = None
    ui_visible: bool | None = None
    api_visible: bool = True


class UserEntry(Entry):
    """One of `users`."""

    uuid: str
    email: str
    first_name: str = ""
    last_name: str = ""
    password: str | None = None
    password_hash: str | None = None
    token: str | None = None
    token_hash: str | None = None
    token_created: str | None = None
    token_expires: str | None = None
    is_active: bool = True
    email_verified: bool = True
    moderated: bool = True
    is_rejected: bool = False
    has_signed_terms: bool = True
    default_project: str | None = None
    groups: list[str] = []
    quotas: dict[str, int] = {}


class CapacityEntry(Entry):
    """The capacities of one resource in a project."""

    project_capacity: int
    member_capacity: int


class MemberEntry(Entry):
    """A member of a project in another state than accepted."""

    user: str
    state: MembershipState


class ProjectEntry(Entry):
    """One of `projects`."""

    uuid: str
    name: str
    end_date: str
    owner: str | None = None
    homepage: str = ""
    description: str = ""
    comments: str = ""
    creation_date: str | None = None
    join_policy: Policy = Policy.MODERATED
    leave_policy: Policy = Policy.AUTO
    max_members: int = 2**63 - 1
    private: bool = False
    state: ProjectState = ProjectState.ACTIVE
    resources: dict[str, CapacityEntry] = {}
    members: list[str | MemberEntry] = []


class OAuth2ClientEntry(Entry):
    """One of `oauth2_clients`."""

    identifier: str
    name: str = ""
    secret: str | None = None
    secret_hash: str | None = None
    type: str = "confidential"
    trusted: bool = False
    url: str | None = None
    redirect_urls: list[str] = []


class OAuth2TokenEntry(Entry):
    """One of `oauth2_tokens`."""

    client: str
    user: str
    expires: str
    access_token: str | None = None
    token_hash: str | None = None
    scope: str | None = None


class StateDocument(Entry):
    """The whole document. `token_names` is for programs that test; it is not loaded."""

    base_url: str | None = None
    settings: Settings = msgspec.field(default_factory=Settings)
    components: list[ComponentEntry] = []
    services: list[ServiceEntry] = []
    resources: list[ResourceEntry] = []
    users: list[UserEntry] = []
    projects: list[ProjectEntry] = []
    oauth2_clients: list[OAuth2ClientEntry] = []
    oauth2_tokens: list[OAuth2TokenEntry] = []
    token_names: dict[str, str] = {}


def read_document(content: bytes, name: str) -> StateDocument:
    """Read a document from the content of a file of that name.

    Raises:
        StateError: it is no JSON, or has not the form of a document.
    """
    try:
        return msgspec.json.decode(content, type=StateDocument)
    except msgspec.ValidationError as error:
        raise StateError(f"{name}: {error}") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise StateError(f"{name} is not JSON: {error}") from error


def write_document(document: StateDocument) -> bytes:
    """A document as readable JSON."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
