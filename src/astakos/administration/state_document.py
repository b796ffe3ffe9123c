"""The JSON document of an installation's declarative state (`docs/state.md`)."""

import json
from typing import Annotated, Any, Final, Literal

import msgspec

from astakos.administration.document_errors import explained
from astakos.ledger.grants import MOST_PRIORITY, USUAL_PRIORITY
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.projects.project import MembershipState, Policy, ProjectState

COOKIE_NAME = r"^[A-Za-z0-9_.-]*$"
COOKIE_DOMAIN = r"^[A-Za-z0-9.-]+$"


class StateError(Exception):
    """A document, an archive, or a requested change is invalid; the message says what and where.

    Attributes:
        advice: which command helps, as the end of a sentence, or nothing. Commands add it to the message, and
            pages do not.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        """Sets the message, and the advice."""
        super().__init__(message)
        self.advice = advice


class Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The base of all parts of a document: refuses unknown keys, and omits defaults when written."""


class Settings(Entry):
    """The value of `settings`."""

    moderation: bool | None = None
    project_admins: list[str] | None = None
    administrators: str | None = None
    groups: list[str] = []
    helpdesk: list[str] | None = None
    admin_users: bool | None = None
    admin_users_groups: list[str] | None = None
    trusted_proxies: list[str] | None = None
    webhook_networks: list[str] | None = None
    history_days: Annotated[int, msgspec.Meta(ge=1, le=36500)] | None = None
    meter_ttl_seconds: Annotated[int, msgspec.Meta(ge=1, le=30 * 24 * 3600)] | None = None
    clock_jump_seconds: Annotated[int, msgspec.Meta(ge=1, le=86400)] | None = None
    clock_agreement_seconds: Annotated[int, msgspec.Meta(ge=1, le=86400)] | None = None
    end_projects: bool | None = None
    ending_notice_days: Annotated[int, msgspec.Meta(ge=0, le=365)] | None = None
    grant_notice_days: Annotated[int, msgspec.Meta(ge=0, le=365)] | None = None
    pending_notice_hours: Annotated[int, msgspec.Meta(ge=0, le=8784)] | None = None
    most_members_told: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    most_keys: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None = None
    weblogin_next: list[str] | None = None
    cookie_name: Annotated[str, msgspec.Meta(pattern=COOKIE_NAME)] | None = None
    cookie_domain: Annotated[str, msgspec.Meta(pattern=COOKIE_DOMAIN)] | None = None
    session_hours: Annotated[int, msgspec.Meta(ge=1, le=8784)] | None = None
    access_token_seconds: Annotated[int, msgspec.Meta(ge=1, le=86400)] | None = None
    oauth2_without_tls: bool | None = None
    terms: str | None = None
    service_name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)] | None = None
    logo: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    forgotten_password: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    compatibility: Literal["newest", "0.14"] | None = None


class ComponentTokenEntry(Entry):
    """A further token of a component."""

    name: str
    token: str | None = None
    token_hash: str | None = None
    created: str | None = None
    expires: str | None = None


class ComponentEntry(Entry):
    """An entry of `components`."""

    name: str
    ui_url: str | None = None
    base_url: str | None = None
    token: str | None = None
    token_hash: str | None = None
    token_created: str | None = None
    token_expires: str | None = None
    tokens: list[ComponentTokenEntry] | None = None
    menu: dict[str, Any] = {}
    may_charge: Literal["all"] | list[str] | None = None


class ServiceEntry(Entry):
    """An entry of `services`."""

    name: str
    type: str
    component: str
    endpoints: list[dict[str, str]] = []


class ResourceEntry(Entry):
    """An entry of `resources`."""

    name: str
    service: str
    service_type: str | None = None
    unit: str | None = None
    scale: int = 0
    description: str = ""
    system_default: int = 2**63 - 1
    project_default: int | None = None
    ui_visible: bool | None = None
    api_visible: bool = True
    max_debt: int = 2**63 - 1
    thresholds: list[int] | None = None
    shadow: bool = False
    meter: MeterDefinition | None = None


class UserEntry(Entry):
    """An entry of `users`."""

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


class KeySecretEntry(Entry):
    """The hash of a secret of a key; it ends with the key unless it expires before."""

    hash: str
    created: str
    expires: str | None = None


class KeyEntry(Entry):
    """An entry of `keys`. Without `calls`, a key that names services can make no calls of this API.

    `limits` are those of resources; `null` stands for one that is only counted.
    """

    user: str
    prefix: str
    name: str
    project: str | None = None
    services: list[str] | None = None
    calls: list[str] | None = None
    networks: list[str] | None = None
    created: str | None = None
    expires: str | None = None
    creator: str | None = None
    limits: dict[str, int | None] = {}
    secrets: list[KeySecretEntry] = []


class CapacityEntry(Entry):
    """The capacities of one resource in a project."""

    project_capacity: int
    member_capacity: int


class MemberEntry(Entry):
    """A member of a project whose state is not `accepted`, or who has limits of their own, by resource."""

    user: str
    state: MembershipState = MembershipState.ACCEPTED
    limits: dict[str, int] = {}


class ProjectEntry(Entry):
    """An entry of `projects`."""

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
    parent: str | msgspec.UnsetType | None = msgspec.UNSET
    resources: dict[str, CapacityEntry] = {}
    members: list[str | MemberEntry] | None = None


class GrantEntry(Entry):
    """An entry of `grants`: of a user, in their own project or in another one, or of a whole project."""

    number: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    resource: str
    amount: int
    starts: str
    user: str | None = None
    project: str | None = None
    priority: Annotated[int, msgspec.Meta(ge=0, le=MOST_PRIORITY)] = USUAL_PRIORITY
    expires: str | None = None
    lifts: list[str] | None = None
    note: str = ""
    revoked: bool = False


class OAuth2ClientEntry(Entry):
    """An entry of `oauth2_clients`."""

    identifier: str
    name: str = ""
    secret: str | None = None
    secret_hash: str | None = None
    type: Literal["confidential", "public"] = "confidential"
    trusted: bool = False
    url: str | None = None
    redirect_urls: list[str] = []


class OAuth2TokenEntry(Entry):
    """An entry of `oauth2_tokens`."""

    client: str
    user: str
    expires: str
    access_token: str | None = None
    token_hash: str | None = None
    scope: str | None = None


class StateDocument(Entry):
    """The whole document. `token_names` is for test programs and is ignored."""

    base_url: str | None = None
    settings: Settings = msgspec.field(default_factory=Settings)
    components: list[ComponentEntry] = []
    services: list[ServiceEntry] = []
    resources: list[ResourceEntry] = []
    users: list[UserEntry] = []
    projects: list[ProjectEntry] = []
    grants: list[GrantEntry] = []
    keys: list[KeyEntry] = []
    oauth2_clients: list[OAuth2ClientEntry] = []
    oauth2_tokens: list[OAuth2TokenEntry] = []
    token_names: dict[str, str] = {}


GZIP: Final = b"\x1f\x8b"
"""How a file begins that gzip has made."""


def read_document(content: bytes, name: str) -> StateDocument:
    """Parses a document. Errors refer to the file by `name`.

    Raises:
        StateError: the content is not JSON, or not a valid document.
    """
    if not content.strip():
        raise StateError(f"{name} is empty; see whether what should write it has failed")
    if content.startswith(GZIP):
        raise StateError(f"{name} is compressed; load what gunzip makes of it")
    try:
        document = msgspec.json.decode(content, type=StateDocument)
        # msgspec takes the last of two values that an object gives for one key.
        json.loads(content, object_pairs_hook=_without_repetition)
    except msgspec.ValidationError as error:
        raise StateError(f"{name}: {explained(error, StateDocument)}") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise StateError(f"{name} is not JSON: {error}") from error
    except _RepeatedKeyError as error:
        raise StateError(f"{name}: an object has the key {error.args[0]!r} twice") from error
    return document


class _RepeatedKeyError(Exception):
    """The argument is the key."""


def _without_repetition(pairs: list[tuple[str, Any]]) -> None:
    """Checks the keys of an object; its values have been read already."""
    seen = set()
    for key, _ in pairs:
        if key in seen:
            raise _RepeatedKeyError(key)
        seen.add(key)


def write_document(document: StateDocument) -> bytes:
    """Formats a document as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
