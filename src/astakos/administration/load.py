"""Applies a state document to an installation: atomic and idempotent."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar
from uuid import UUID

from astakos.administration.document_places import Place, require_storable
from astakos.administration.limit_updates import sync_project, sync_projects
from astakos.administration.state_document import (
    ComponentEntry,
    MemberEntry,
    OAuth2ClientEntry,
    OAuth2TokenEntry,
    ProjectEntry,
    ResourceEntry,
    ServiceEntry,
    Settings,
    StateDocument,
    UserEntry,
)
from astakos.administration.system_projects import save_system_project
from astakos.clock import from_iso
from astakos.directory.entities import Component, Resource, User, UserRecord
from astakos.directory.mail_addresses import EXAMPLE, is_mail_address
from astakos.directory.password_hashes import is_password_hash, password_hash, password_matches
from astakos.directory.redirects import refuse_allowed_next
from astakos.directory.tokens import USER_TOKEN_LIFETIME, token_hash
from astakos.directory.trusted_proxies import TrustedProxies
from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import Capacity, Membership, MembershipState, Project
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import deactivations, oauth2, projects, registry, settings, user_records, users

T = TypeVar("T")

HASH_PREFIX = "sha256:"


def load(database: Database, document: StateDocument, now: int) -> None:
    """Apply a document in one transaction.

    Creates or updates everything that the document names; leaves everything else as it is. Never changes
    usage.

    Raises:
        StateError: the document contains an error; nothing has changed.
    """
    require_storable(document)
    passwords = _hash_passwords(database, document.users)

    def carry_out(connection: Connection) -> None:
        loader = _Loader(connection, now)
        loader.settings(document.base_url, document.settings)
        _each("components", document.components, loader.component)
        _each("services", document.services, loader.service)
        _each("resources", document.resources, loader.resource)
        users.add_groups(connection, (name for user in document.users for name in user.groups))
        _each("users", document.users, loader.user)
        for uuid, stored in passwords.items():
            users.set_password_hash(connection, uuid, stored)
        _each("projects", document.projects, loader.project)
        _each("oauth2_clients", document.oauth2_clients, loader.client)
        _each("oauth2_tokens", document.oauth2_tokens, loader.access_token)
        if document.resources:
            sync_projects(connection)

    database.change(carry_out)


def _each(name: str, entries: Iterable[T], load_entry: Callable[[T, Place], None]) -> None:
    for position, entry in enumerate(entries):
        load_entry(entry, Place(f"{name}[{position}]"))


def _hash_passwords(database: Database, entries: Iterable[UserEntry]) -> dict[str, str]:
    """Return the new password hashes by uuid. Hashing is slow, so it happens before the lock."""
    found = {}
    for position, entry in enumerate(entries):
        stored = users.find_password_hash(database.reader(), entry.uuid)
        if entry.password_hash is not None:
            if not is_password_hash(entry.password_hash):
                raise Place(f"users[{position}].password_hash").error("it must be an argon2 hash")
            if entry.password_hash != stored:
                found[entry.uuid] = entry.password_hash
        elif entry.password is not None and not (stored and password_matches(stored, entry.password)):
            found[entry.uuid] = password_hash(entry.password)
    return found


class _Loader:
    """Loads entries of each kind into one transaction."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now

    def settings(self, base_url: str | None, entry: Settings) -> None:
        values = {
            settings.BASE_URL: None if base_url is None else base_url.rstrip("/"),
            settings.MODERATION: entry.moderation,
            settings.PROJECT_ADMINS: entry.project_admins,
            settings.HELPDESK: entry.helpdesk,
            settings.ADMIN_USERS: entry.admin_users,
            settings.ADMIN_USERS_GROUPS: entry.admin_users_groups,
            settings.HISTORY_DAYS: entry.history_days,
            settings.COMPATIBILITY: entry.compatibility,
            settings.TRUSTED_PROXIES: entry.trusted_proxies,
            **{name: getattr(entry, name) for name in settings.LOGIN},
        }
        for position, allowed in enumerate(entry.weblogin_next or ()):
            refusal = refuse_allowed_next(allowed)
            if refusal:
                raise Place(f"settings.weblogin_next[{position}]").error(refusal)
        for position, network in enumerate(entry.trusted_proxies or ()):
            try:
                TrustedProxies([network])
            except ValueError as error:
                raise Place(f"settings.trusted_proxies[{position}]").error(str(error)) from error
        for name, value in values.items():
            if value is not None:
                settings.save(self._connection, name, value)
        users.add_groups(self._connection, entry.groups)

    def component(self, entry: ComponentEntry, place: Place) -> None:
        _require(entry.name, place / "name")
        component = Component(0, entry.name, entry.ui_url, entry.base_url, menu=entry.menu)
        registry.save_component(self._connection, component)
        stored = registry.find_component_token_hash(self._connection, entry.name)
        declared = _hash_of(entry.token, entry.token_hash, place)
        known = registry.find_component(self._connection, entry.name)
        if declared is None or known is None:
            return
        expires = _instant(entry.token_expires, place / "token_expires")
        if declared != stored or expires != known.token_expires:
            owner = registry.find_component_by_token(self._connection, declared)
            if owner is not None and owner.name != entry.name:
                raise (place / "token").error(f"the component {owner.name!r} already has this token")
            created = _instant(entry.token_created, place / "token_created") or self._now
            registry.set_component_token(self._connection, entry.name, declared, created, expires)

    def service(self, entry: ServiceEntry, place: Place) -> None:
        _require(entry.name, place / "name")
        if registry.find_component(self._connection, entry.component) is None:
            raise (place / "component").error(f"there is no component {entry.component!r}")
        for service in registry.list_services(self._connection):
            if service.name == entry.name and service.component.name != entry.component:
                raise (place / "name").error(
                    f"the service {entry.name!r} already belongs to the component {service.component.name!r}"
                )
        for position, endpoint in enumerate(entry.endpoints):
            missing = [key for key in ("versionId", "publicURL") if key not in endpoint]
            if missing:
                raise (place / f"endpoints[{position}]").error(f"the key {missing[0]!r} is missing")
        registry.save_service(self._connection, entry.name, entry.type, entry.component, entry.endpoints)

    def resource(self, entry: ResourceEntry, place: Place) -> None:
        _require(entry.name, place / "name")
        services = {service.name: service for service in registry.list_services(self._connection)}
        service = services.get(entry.service)
        if service is None:
            raise (place / "service").error(f"there is no service {entry.service!r}")
        if entry.service_type not in (None, service.type):
            raise (place / "service_type").error(f"the service {service.name!r} is of type {service.type!r}")
        for resource in registry.list_resources(self._connection):
            owner = services[resource.service].component.name
            if resource.name == entry.name and owner != service.component.name:
                raise (place / "service").error(
                    f"the resource {entry.name!r} already belongs to the component {owner!r}"
                )
        ui_visible = entry.api_visible if entry.ui_visible is None else entry.ui_visible
        if ui_visible and not entry.api_visible:
            raise (place / "ui_visible").error("a resource visible in the UI must be visible in the API")
        project_default = entry.project_default
        if project_default is None:
            project_default = 0 if entry.api_visible else UNLIMITED
        registry.save_resource(
            self._connection,
            Resource(
                id=0,
                name=entry.name,
                service=entry.service,
                service_type=service.type,
                unit=entry.unit,
                description=entry.description,
                system_default=_limit(entry.system_default, place / "system_default"),
                project_default=_limit(project_default, place / "project_default"),
                ui_visible=ui_visible,
                api_visible=entry.api_visible,
            ),
        )

    def user(self, entry: UserEntry, place: Place) -> None:
        uuid = _uuid(entry.uuid, place / "uuid")
        if not is_mail_address(entry.email):
            raise (place / "email").error(f"it must be an email address like {EXAMPLE}")
        namesake = users.find_by_username(self._connection, entry.email)
        if namesake is not None and namesake.uuid != uuid:
            raise (place / "email").error(f"the user {namesake.uuid} already has this address")
        project = projects.find(self._connection, uuid)
        if project is not None and not project.system_project:
            raise (place / "uuid").error("a project already has this UUID")
        known = users.find_by_uuid(self._connection, uuid)
        user = User(
            id=0,
            uuid=uuid,
            username=entry.email.lower(),
            email=entry.email,
            first_name=entry.first_name,
            last_name=entry.last_name,
            is_active=entry.is_active,
            email_verified=entry.email_verified,
            moderated=entry.moderated,
            is_rejected=entry.is_rejected,
            has_signed_terms=entry.has_signed_terms,
            default_project=entry.default_project or (known.default_project if known else None) or uuid,
        )
        identifier = users.save(self._connection, user)
        if known is None:
            record = UserRecord(
                date_joined=self._now,
                verified_at=self._now if user.email_verified else None,
                moderated_at=self._now if user.moderated else None,
            )
            user_records.save(self._connection, identifier, record)
        users.set_groups(self._connection, identifier, list(dict.fromkeys(entry.groups)))
        self._user_token(entry, known, place)
        if entry.quotas and not user.is_accepted:
            raise (place / "quotas").error("only a user who is moderated and not rejected can have quotas")
        if user.is_accepted:
            quotas = _limits(entry.quotas, place / "quotas")
            self._require_resources(quotas, place / "quotas")
            save_system_project(self._connection, user, quotas, self._now)

    def _user_token(self, entry: UserEntry, known: User | None, place: Place) -> None:
        declared = _hash_of(entry.token, entry.token_hash, place)
        if declared is None:
            return
        owner = users.find_by_token(self._connection, declared)
        if owner is not None and owner.uuid != entry.uuid:
            raise (place / "token").error(f"the user {owner.username} already has this token")
        is_new = declared != users.find_token_hash(self._connection, entry.uuid)
        expires = _instant(entry.token_expires, place / "token_expires")
        if expires is None:
            kept = None if is_new or known is None else known.token_expires
            expires = kept or self._now + USER_TOKEN_LIFETIME
        if is_new or known is None or expires != known.token_expires:
            created = _instant(entry.token_created, place / "token_created") or self._now
            users.set_token(self._connection, entry.uuid, declared, created, expires)

    def project(self, entry: ProjectEntry, place: Place) -> None:
        uuid = _uuid(entry.uuid, place / "uuid")
        known = projects.find(self._connection, uuid)
        if known is not None and known.system_project:
            raise (place / "uuid").error(
                "a user's system project has this UUID; to set its limits, use the user's `quotas`"
            )
        if entry.owner is not None and users.find_by_uuid(self._connection, entry.owner) is None:
            raise (place / "owner").error(f"there is no user {entry.owner!r}")
        created = _instant(entry.creation_date, place / "creation_date")
        end_date = from_iso_at(entry.end_date, place / "end_date")
        projects.save(
            self._connection,
            Project(
                uuid=uuid,
                name=_require(entry.name, place / "name"),
                state=entry.state,
                system_project=False,
                owner=entry.owner,
                homepage=entry.homepage,
                description=entry.description,
                comments=entry.comments,
                creation_date=created or (known.creation_date if known else self._now),
                end_date=end_date,
                join_policy=entry.join_policy,
                leave_policy=entry.leave_policy,
                max_members=_limit(entry.max_members, place / "max_members"),
                private=entry.private,
            ),
        )
        self._require_resources(entry.resources, place / "resources")
        capacities = {}
        for name, given in entry.resources.items():
            here = place / f"resources[{name!r}]"
            capacity = Capacity(_limit(given.project_capacity, here), _limit(given.member_capacity, here))
            if capacity.member > capacity.project:
                raise here.error("a member's capacity must not be larger than the project's")
            capacities[name] = capacity
        projects.save_capacities(self._connection, uuid, capacities)
        memberships = [
            self._membership(member, place / f"members[{position}]")
            for position, member in enumerate(entry.members)
        ]
        projects.save_memberships(self._connection, uuid, memberships)
        for membership in memberships:
            if membership.state is MembershipState.SUSPENDED:
                self._note_deactivation(membership.user, uuid)
        sync_project(self._connection, uuid)

    def _note_deactivation(self, uuid: str, project: str) -> None:
        user = users.find_by_uuid(self._connection, uuid)
        if user is not None and not user.is_active:
            deactivations.note(self._connection, uuid, project, deactivations.MEMBERSHIP)

    def _membership(self, entry: str | MemberEntry, place: Place) -> Membership:
        uuid = entry if isinstance(entry, str) else entry.user
        user = users.find_by_uuid(self._connection, uuid)
        if user is None:
            raise place.error(f"there is no user {uuid!r}")
        state = MembershipState.ACCEPTED if isinstance(entry, str) else entry.state
        if state is MembershipState.ACCEPTED and not user.is_active:
            state = MembershipState.SUSPENDED
        never = (MembershipState.REQUESTED, MembershipState.REJECTED, MembershipState.CANCELLED)
        return Membership(uuid, state, ever_accepted=state not in never)

    def _require_resources(self, names: Iterable[str], place: Place) -> None:
        known = {resource.name for resource in registry.list_resources(self._connection)}
        for name in names:
            if name not in known:
                raise place.error(f"there is no resource {name!r}")

    def client(self, entry: OAuth2ClientEntry, place: Place) -> None:
        secret = _hash_of(entry.secret, entry.secret_hash, place)
        if secret is None and entry.type == "confidential":
            raise (place / "secret").error("a confidential client needs a secret")
        client = oauth2.Client(
            entry.identifier, entry.name, secret, entry.type, entry.trusted, entry.url, entry.redirect_urls
        )
        oauth2.save_client(self._connection, client)

    def access_token(self, entry: OAuth2TokenEntry, place: Place) -> None:
        hashed = _hash_of(entry.access_token, entry.token_hash, place)
        if hashed is None:
            raise (place / "access_token").error("the token is missing")
        if entry.client not in {client.identifier for client in oauth2.list_clients(self._connection)}:
            raise (place / "client").error(f"there is no OAuth2 client {entry.client!r}")
        if users.find_by_uuid(self._connection, entry.user) is None:
            raise (place / "user").error(f"there is no user {entry.user!r}")
        expires = from_iso_at(entry.expires, place / "expires")
        oauth2.save_token(
            self._connection, oauth2.AccessToken(hashed, entry.client, entry.user, entry.scope, expires)
        )


def _require(text: str, place: Place) -> str:
    if not text.strip():
        raise place.error("it must not be empty")
    return text


def _uuid(text: str, place: Place) -> str:
    try:
        if str(UUID(text)) == text:
            return text
    except ValueError:
        pass
    raise place.error(f"{text!r} is not a lowercase UUID like 00000001-0000-4000-8000-000000000001")


def _limit(number: int, place: Place) -> int:
    if not 0 <= number <= UNLIMITED:
        raise place.error(f"it must be a number from 0 to {UNLIMITED}")
    return number


def _limits(numbers: Mapping[str, int], place: Place) -> dict[str, int]:
    return {name: _limit(number, place / name) for name, number in numbers.items()}


def _instant(text: str | None, place: Place) -> int | None:
    return None if text is None else from_iso_at(text, place)


def from_iso_at(text: str, place: Place) -> int:
    """Parse a time in a document; errors name its place."""
    try:
        return from_iso(text)
    except ValueError as error:
        raise place.error(f"it must be an ISO 8601 time with a time zone: {error}") from error


def _hash_of(secret: str | None, hashed: str | None, place: Place) -> bytes | None:
    """Return the stored form of a secret that a document gives in clear or as `sha256:<hex digits>`."""
    if secret is not None:
        if not secret:
            raise place.error("a token or secret must not be empty")
        return token_hash(secret)
    if hashed is None:
        return None
    digits = hashed.removeprefix(HASH_PREFIX)
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""
    if digits == hashed or len(digest) != len(token_hash("")):
        raise place.error(f"a hash must be written as {HASH_PREFIX} and 64 hexadecimal digits")
    return digest
