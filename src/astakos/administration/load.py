"""Applies a state document to an installation: atomic and idempotent."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from astakos.administration.deactivation import restore_all, suspend_all
from astakos.administration.document_checks import require_distinct, require_storable
from astakos.administration.document_passwords import hash_passwords
from astakos.administration.document_places import Place
from astakos.administration.document_tokens import token_at
from astakos.administration.document_values import (
    limits_at,
    new_mail_address_at,
    optional_instant_at,
    secret_at,
    uuid_at,
)
from astakos.administration.grant_loading import load_grant
from astakos.administration.journal import (
    Journal,
    facts_of_user,
)
from astakos.administration.key_loading import load_key
from astakos.administration.limit_updates import sync_resource
from astakos.administration.meter_loading import check_scale
from astakos.administration.nesting_loading import load_parent
from astakos.administration.oauth2_loading import load_access_token, load_client
from astakos.administration.project_loading import load_project, require_free_name, require_resources
from astakos.administration.registry_loading import (
    load_component,
    load_resource,
    load_service,
    require_charged_resources,
)
from astakos.administration.settings_loading import load_settings
from astakos.administration.state_document import (
    ComponentEntry,
    GrantEntry,
    KeyEntry,
    OAuth2ClientEntry,
    OAuth2TokenEntry,
    ProjectEntry,
    ResourceEntry,
    ServiceEntry,
    StateDocument,
    StateError,
    UserEntry,
)
from astakos.administration.system_projects import save_system_project
from astakos.directory.entities import Resource, User, UserRecord
from astakos.directory.tokens import USER_TOKEN_LIFETIME
from astakos.events.event import OPERATOR, Actor
from astakos.projects.project import MembershipState, ProjectState
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import (
    memberships,
    projects,
    user_records,
    users,
)

T = TypeVar("T")


def load(database: Database, document: StateDocument, now: int, actor: Actor = OPERATOR) -> None:
    """Applies a document in one transaction.

    Creates or updates everything that the document names; leaves everything else as it is. Never changes
    usage, except what counts on parents when projects move. Records an event for each thing that was created
    or changed.

    Raises:
        StateError: the document contains an error; nothing has changed.
    """
    require_storable(document)
    require_distinct(document)
    passwords = hash_passwords(database, document.users)
    database.change(lambda connection: _carry_out(connection, document, passwords, now, actor))


def load_within(connection: Connection, document: StateDocument, now: int, actor: Actor) -> None:
    """Applies a document within the transaction of a change, for handlers that build one.

    Passwords take long to hash, so the document must not have any: set them with a function of their own.

    Raises:
        StateError: the document contains an error, or a password; the transaction must not be committed. See
            `PlacedError.words` for what to tell somebody who wrote no document.
    """
    require_storable(document)
    require_distinct(document)
    if any(user.password is not None or user.password_hash is not None for user in document.users):
        raise StateError("passwords cannot be set within another change")
    _carry_out(connection, document, {}, now, actor)


def _carry_out(
    connection: Connection, document: StateDocument, passwords: Mapping[str, str], now: int, actor: Actor
) -> None:
    with Journal(connection, actor, now) as journal:
        loader = _Loader(connection, passwords, now, journal)
        load_settings(connection, document.base_url, document.settings, journal)
        _each("components", document.components, loader.component)
        _each("services", document.services, loader.service)
        _each("resources", document.resources, loader.resource)
        loader.add_new_resources()
        _each("resources", document.resources, loader.scale)
        _each("components", document.components, loader.charged_resources)
        users.add_groups(connection, (name for user in document.users for name in user.groups))
        _each("users", document.users, loader.user)
        _each("projects", document.projects, loader.project)
        _each("projects", document.projects, loader.project_name)
        _each("projects", document.projects, loader.parent)
        _each("users", document.users, loader.default_project)
        _each("grants", document.grants, loader.grant)
        _each("keys", document.keys, loader.key)
        _each("oauth2_clients", document.oauth2_clients, loader.client)
        _each("oauth2_tokens", document.oauth2_tokens, loader.access_token)


def _each(name: str, entries: Iterable[T], load_entry: Callable[[T, Place], None]) -> None:
    for position, entry in enumerate(entries):
        load_entry(entry, Place(f"{name}[{position}]"))


class _Loader:
    """Loads entries of each kind into one transaction."""

    def __init__(
        self, connection: Connection, passwords: Mapping[str, str], now: int, journal: Journal
    ) -> None:
        self._connection = connection
        self._passwords = passwords
        self._now = now
        self._journal = journal
        self._new_resources: list[Resource] = []

    def component(self, entry: ComponentEntry, place: Place) -> None:
        load_component(self._connection, entry, place, self._now, self._journal)

    def charged_resources(self, entry: ComponentEntry, place: Place) -> None:
        """Checks what a component may charge, which the same document may have registered."""
        require_charged_resources(self._connection, entry, place)

    def service(self, entry: ServiceEntry, place: Place) -> None:
        load_service(self._connection, entry, place, self._journal)

    def resource(self, entry: ResourceEntry, place: Place) -> None:
        new = load_resource(self._connection, entry, place, self._journal)
        if new is not None:
            self._new_resources.append(new)

    def add_new_resources(self) -> None:
        """Gives the projects that there are, and their members, the resources that are new."""
        for resource in self._new_resources:
            sync_resource(self._connection, resource)

    def scale(self, entry: ResourceEntry, place: Place) -> None:
        """Checks a scale beside those of meters, which the same document may have changed."""
        check_scale(self._connection, entry, place)

    def user(self, entry: UserEntry, place: Place) -> None:
        uuid = uuid_at(entry.uuid, place / "uuid")
        namesake = users.find_by_username(self._connection, entry.email)
        if namesake is not None and namesake.uuid != uuid:
            raise (place / "email").error(f"the user {namesake.uuid} already has this address")
        project = projects.find(self._connection, uuid)
        if project is not None and not project.system_project:
            raise (place / "uuid").error("a project already has this UUID")
        known = users.find_by_uuid(self._connection, uuid)
        if known is None or known.username != entry.email.lower():
            new_mail_address_at(entry.email, place / "email")
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
        held = users.find_token_hash(self._connection, uuid)
        before = None if known is None else self._told_of_known_user(known, entry)
        identifier = users.save(self._connection, user)
        if known is not None and known.email != entry.email:
            # As in `user_registration.change_user`.
            users.end_links(self._connection, uuid)
        if known is None:
            record = UserRecord(
                date_joined=self._now,
                verified_at=self._now if user.email_verified else None,
                moderated_at=self._now if user.moderated else None,
            )
            user_records.save(self._connection, identifier, record)
        elif known.is_active != user.is_active:
            self._follow_activation(identifier, user)
        users.set_groups(self._connection, identifier, list(dict.fromkeys(entry.groups)))
        if uuid in self._passwords:
            users.set_password_hash(self._connection, uuid, self._passwords[uuid])
            self._journal.note("user.password_changed", subject=uuid)
        self._user_token(entry, known, held, place)
        if entry.quotas and not user.is_accepted:
            raise (place / "quotas").error("only a user who is moderated and not rejected can have quotas")
        if user.is_accepted:
            quotas = limits_at(entry.quotas, place / "quotas")
            require_resources(self._connection, quotas, place / "quotas")
            save_system_project(self._connection, user, quotas, self._now)
        after = facts_of_user(user) | {"groups": sorted(set(entry.groups)), "quotas": entry.quotas}
        self._journal.compare("user", before, after, subject=uuid)

    def _told_of_known_user(self, known: User, entry: UserEntry) -> dict[str, Any]:
        """Returns what the audit log tells of a user, with the limits that an entry names."""
        groups = sorted(group.name for group in users.groups_of(self._connection, known.id))
        limits = projects.capacities_of(self._connection, known.uuid) if entry.quotas else {}
        quotas = {name: limits[name].project for name in entry.quotas if name in limits}
        # An event of its own tells whether the user is active.
        known = replace(known, is_active=entry.is_active)
        return facts_of_user(known) | {"groups": groups, "quotas": quotas}

    def _follow_activation(self, identifier: int, user: User) -> None:
        self._journal.note("user.activated" if user.is_active else "user.deactivated", subject=user.uuid)
        follow = restore_all if user.is_active else suspend_all
        follow(self._connection, self._journal.actor, replace(user, id=identifier), "", self._now)

    def _user_token(self, entry: UserEntry, known: User | None, held: bytes | None, place: Place) -> None:
        """Sets the declared token. `known` and `held` are the user and their token before this document."""
        declared = secret_at(entry.token, entry.token_hash, place)
        created = optional_instant_at(entry.token_created, place / "token_created")
        expires = optional_instant_at(entry.token_expires, place / "token_expires")
        if not entry.is_active:
            return
        present = users.find_token_hash(self._connection, entry.uuid)
        token = token_at(declared, present, entry, place)
        if token is None:
            return
        owner = users.find_by_token(self._connection, token)
        if owner is not None and owner.uuid != entry.uuid:
            raise (place / "token").error(f"the user {owner.username} already has this token")
        kept = known if token == held else None
        if created is None:
            created = self._now if kept is None or kept.token_created is None else kept.token_created
        if expires is None:
            expires = self._now + USER_TOKEN_LIFETIME if kept is None else kept.token_expires
        if token == present:
            users.set_token_times(self._connection, entry.uuid, created, expires)
        else:
            users.set_token(self._connection, entry.uuid, token, created, expires)
        if token != held:
            self._journal.note("user.token_renewed", subject=entry.uuid)

    def default_project(self, entry: UserEntry, place: Place) -> None:
        """Checks a user's default project, which the same document may have created."""
        named = entry.default_project
        if named is None or named == entry.uuid:
            return
        here = place / "default_project"
        project = projects.find(self._connection, named)
        if project is None:
            raise here.error(f"there is no project {named!r}")
        if project.state in (ProjectState.TERMINATED, ProjectState.DELETED):
            raise here.error(f"the project {named!r} has ended")
        membership = memberships.find_state(self._connection, entry.uuid, named)
        if membership in (None, MembershipState.REMOVED):
            raise here.error(f"the user is not a member of the project {named!r}")

    def project(self, entry: ProjectEntry, place: Place) -> None:
        load_project(self._connection, entry, place, self._now, self._journal)

    def project_name(self, entry: ProjectEntry, place: Place) -> None:
        """Checks a project's name, which another entry may have made free."""
        require_free_name(self._connection, entry, place)

    def grant(self, entry: GrantEntry, place: Place) -> None:
        load_grant(self._connection, self._journal, entry, place, self._now)

    def key(self, entry: KeyEntry, place: Place) -> None:
        load_key(self._connection, entry, place, self._now, self._journal)

    def parent(self, entry: ProjectEntry, place: Place) -> None:
        """Sets a project's parent, which another entry may have created."""
        load_parent(self._connection, entry, place, self._now, self._journal)

    def client(self, entry: OAuth2ClientEntry, place: Place) -> None:
        load_client(self._connection, entry, place, self._journal)

    def access_token(self, entry: OAuth2TokenEntry, place: Place) -> None:
        load_access_token(self._connection, entry, place, self._journal)
