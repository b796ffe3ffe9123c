"""Applies a state document to an installation: atomic and idempotent."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from astakos.administration.deactivation import restore_all, suspend_all
from astakos.administration.document_checks import require_distinct, require_storable
from astakos.administration.document_passwords import hash_passwords
from astakos.administration.document_places import Place
from astakos.administration.document_values import (
    limit_at,
    limits_at,
    new_name_at,
    optional_instant_at,
    scale_at,
    secret_at,
    text_at,
    thresholds_at,
    uuid_at,
    web_url_at,
)
from astakos.administration.grant_loading import load_grant
from astakos.administration.journal import (
    Journal,
    facts_of_component,
    facts_of_resource,
    facts_of_service,
    facts_of_user,
)
from astakos.administration.limit_updates import sync_resource
from astakos.administration.meter_loading import check_meter, check_scale
from astakos.administration.oauth2_loading import load_access_token, load_client
from astakos.administration.project_loading import load_project, require_free_name, require_resources
from astakos.administration.state_document import (
    ComponentEntry,
    GrantEntry,
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
from astakos.directory.charging_rights import MayCharge
from astakos.directory.entities import Component, Resource, User, UserRecord
from astakos.directory.mail_addresses import EXAMPLE, is_mail_address
from astakos.directory.network_addresses import Networks
from astakos.directory.redirects import refuse_allowed_next, refuse_base_url
from astakos.directory.service_catalog import refuse_menu
from astakos.directory.tokens import USER_TOKEN_LIFETIME
from astakos.events.event import OPERATOR, Actor
from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import MembershipState, ProjectState
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import (
    memberships,
    meters,
    projects,
    registry,
    settings,
    user_records,
    users,
)

T = TypeVar("T")
UNTOLD = Resource(0, "", "", "", None, "", 0, 0, ui_visible=False, api_visible=False)
"""A resource that tells the ledger nothing."""


def load(database: Database, document: StateDocument, now: int, actor: Actor = OPERATOR) -> None:
    """Apply a document in one transaction.

    Creates or updates everything that the document names; leaves everything else as it is. Never changes
    usage. Records an event for each thing that was created or changed.

    Raises:
        StateError: the document contains an error; nothing has changed.
    """
    require_storable(document)
    require_distinct(document)
    passwords = hash_passwords(database, document.users)

    def carry_out(connection: Connection) -> None:
        with Journal(connection, actor, now) as journal:
            loader = _Loader(connection, passwords, now, journal)
            loader.settings(document.base_url, document.settings)
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
            _each("users", document.users, loader.default_project)
            _each("grants", document.grants, loader.grant)
            _each("oauth2_clients", document.oauth2_clients, loader.client)
            _each("oauth2_tokens", document.oauth2_tokens, loader.access_token)

    database.change(carry_out)


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

    def settings(self, base_url: str | None, entry: Settings) -> None:
        here = Place("settings")
        refusal = None if base_url is None else refuse_base_url(base_url)
        if refusal:
            raise Place("base_url").error(refusal)
        for position, uuid in enumerate(entry.project_admins or ()):
            uuid_at(uuid, here / f"project_admins[{position}]")
        for position, address in enumerate(entry.helpdesk or ()):
            _mail_address_at(address, here / f"helpdesk[{position}]")
        for position, group in enumerate(entry.groups):
            text_at(group, here / f"groups[{position}]")
        values = {
            settings.BASE_URL: None if base_url is None else base_url.rstrip("/"),
            settings.MODERATION: entry.moderation,
            settings.PROJECT_ADMINS: entry.project_admins,
            settings.HELPDESK: entry.helpdesk,
            settings.ADMIN_USERS: entry.admin_users,
            settings.ADMIN_USERS_GROUPS: entry.admin_users_groups,
            settings.HISTORY_DAYS: entry.history_days,
            settings.METER_TTL_SECONDS: entry.meter_ttl_seconds,
            settings.CLOCK_JUMP_SECONDS: entry.clock_jump_seconds,
            settings.CLOCK_AGREEMENT_SECONDS: entry.clock_agreement_seconds,
            settings.END_PROJECTS: entry.end_projects,
            settings.ENDING_NOTICE_DAYS: entry.ending_notice_days,
            settings.MOST_MEMBERS_TOLD: entry.most_members_told,
            settings.COMPATIBILITY: entry.compatibility,
            settings.TRUSTED_PROXIES: entry.trusted_proxies,
            settings.WEBHOOK_NETWORKS: entry.webhook_networks,
            **{name: getattr(entry, name) for name in settings.LOGIN},
        }
        for position, allowed in enumerate(entry.weblogin_next or ()):
            refusal = refuse_allowed_next(allowed)
            if refusal:
                raise (here / f"weblogin_next[{position}]").error(refusal)
        for key in ("trusted_proxies", "webhook_networks"):
            for position, network in enumerate(getattr(entry, key) or ()):
                try:
                    Networks([network])
                except ValueError as error:
                    raise (here / f"{key}[{position}]").error(str(error)) from error
        given = {name: value for name, value in values.items() if value is not None}
        known = {name: settings.find(self._connection, name) for name in given}
        for name, value in given.items():
            settings.save(self._connection, name, value)
        self._journal.compare("settings", known, given)
        users.add_groups(self._connection, entry.groups)

    def component(self, entry: ComponentEntry, place: Place) -> None:
        known = registry.find_component(self._connection, entry.name)
        if known is None:
            new_name_at(entry.name, place / "name")
        refusal = refuse_menu(entry.menu)
        if refusal:
            raise (place / "menu").error(refusal)
        component = Component(
            0,
            entry.name,
            web_url_at(entry.ui_url, place / "ui_url"),
            web_url_at(entry.base_url, place / "base_url"),
            menu=entry.menu,
            may_charge=_may_charge(entry, known),
        )
        registry.save_component(self._connection, component)
        before = None if known is None else facts_of_component(known)
        self._journal.compare("component", before, facts_of_component(component), name=entry.name)
        self._component_token(entry, known, place)

    def charged_resources(self, entry: ComponentEntry, place: Place) -> None:
        """Check what a component may charge, which the same document may have registered."""
        if isinstance(entry.may_charge, list):
            for position, name in enumerate(entry.may_charge):
                if not registry.has_resource(self._connection, name):
                    raise (place / f"may_charge[{position}]").error(f"there is no resource {name!r}")

    def _component_token(self, entry: ComponentEntry, known: Component | None, place: Place) -> None:
        declared = secret_at(entry.token, entry.token_hash, place)
        held = registry.find_component_token_hash(self._connection, entry.name)
        token = _token(declared, held, entry, place)
        if token is None:
            return
        owner = registry.find_component_by_token(self._connection, token)
        if owner is not None and owner.name != entry.name:
            raise (place / "token").error(f"the component {owner.name!r} already has this token")
        kept = known if token == held else None
        created = optional_instant_at(entry.token_created, place / "token_created")
        if created is None:
            created = self._now if kept is None or kept.token_created is None else kept.token_created
        expires = optional_instant_at(entry.token_expires, place / "token_expires")
        if expires is None and declared is None and kept is not None:
            expires = kept.token_expires
        registry.set_component_token(self._connection, entry.name, token, created, expires)
        if token != held:
            self._journal.note("component.token_renewed", after={"component": entry.name})

    def service(self, entry: ServiceEntry, place: Place) -> None:
        if registry.find_component(self._connection, entry.component) is None:
            raise (place / "component").error(f"there is no component {entry.component!r}")
        known = {service.name: service for service in registry.list_services(self._connection)}
        if entry.name not in known:
            new_name_at(entry.name, place / "name")
        elif known[entry.name].component.name != entry.component:
            owner = known[entry.name].component.name
            raise (place / "name").error(
                f"the service {entry.name!r} already belongs to the component {owner!r}"
            )
        text_at(entry.type, place / "type")
        for position, endpoint in enumerate(entry.endpoints):
            here = place / f"endpoints[{position}]"
            missing = [key for key in ("versionId", "publicURL") if key not in endpoint]
            if missing:
                raise here.error(f"the key {missing[0]!r} is missing")
            web_url_at(endpoint["publicURL"], here / "publicURL")
        registry.save_service(self._connection, entry.name, entry.type, entry.component, entry.endpoints)
        before = facts_of_service(known[entry.name]) if entry.name in known else None
        after = {
            "type": entry.type,
            "component": entry.component,
            "endpoints": [dict(endpoint) for endpoint in entry.endpoints],
        }
        self._journal.compare("service", before, after, name=entry.name)

    def resource(self, entry: ResourceEntry, place: Place) -> None:
        services = {service.name: service for service in registry.list_services(self._connection)}
        service = services.get(entry.service)
        if service is None:
            raise (place / "service").error(f"there is no service {entry.service!r}")
        if entry.service_type not in (None, service.type):
            raise (place / "service_type").error(f"the service {service.name!r} is of type {service.type!r}")
        known = {resource.name: resource for resource in registry.list_resources(self._connection)}
        if entry.name in known:
            owner = services[known[entry.name].service].component.name
            if owner != service.component.name:
                raise (place / "service").error(
                    f"the resource {entry.name!r} already belongs to the component {owner!r}"
                )
        elif entry.meter is None:
            new_name_at(entry.name, place / "name")
        known_meter = check_meter(self._connection, entry, place)
        ui_visible = entry.api_visible if entry.ui_visible is None else entry.ui_visible
        if ui_visible and not entry.api_visible:
            raise (place / "ui_visible").error("a resource visible in the UI must be visible in the API")
        project_default = entry.project_default
        if project_default is None:
            project_default = 0 if entry.api_visible and entry.meter is None else UNLIMITED
        resource = Resource(
            id=0,
            name=entry.name,
            service=entry.service,
            service_type=service.type,
            unit=entry.unit,
            scale=scale_at(entry.scale, place / "scale"),
            description=entry.description,
            system_default=limit_at(entry.system_default, place / "system_default"),
            project_default=limit_at(project_default, place / "project_default"),
            ui_visible=ui_visible,
            api_visible=entry.api_visible,
            max_debt=limit_at(entry.max_debt, place / "max_debt"),
            thresholds=thresholds_at(entry.thresholds, place / "thresholds"),
            shadow=entry.shadow,
        )
        registry.save_resource(self._connection, resource)
        if _told_the_ledger(resource) != _told_the_ledger(known.get(entry.name, UNTOLD)):
            meters.note_change(self._connection)
        if entry.meter is not None:
            meters.save_definition(self._connection, entry.name, entry.meter)
        before = facts_of_resource(known[entry.name], known_meter) if entry.name in known else None
        after = facts_of_resource(resource, entry.meter)
        self._journal.compare("resource", before, after, name=entry.name)
        if entry.name not in known:
            self._new_resources.append(resource)

    def add_new_resources(self) -> None:
        """Give the projects that there are, and their members, the resources that are new."""
        for resource in self._new_resources:
            sync_resource(self._connection, resource)

    def scale(self, entry: ResourceEntry, place: Place) -> None:
        """Check a scale beside those of meters, which the same document may have changed."""
        check_scale(self._connection, entry, place)

    def user(self, entry: UserEntry, place: Place) -> None:
        uuid = uuid_at(entry.uuid, place / "uuid")
        _mail_address_at(entry.email, place / "email")
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
        held = users.find_token_hash(self._connection, uuid)
        before = None if known is None else self._told_of_known_user(known, entry)
        identifier = users.save(self._connection, user)
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
        """Return what the audit log tells of a user, with the limits that an entry names."""
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
        """Set the declared token. `known` and `held` are the user and their token before this document."""
        declared = secret_at(entry.token, entry.token_hash, place)
        created = optional_instant_at(entry.token_created, place / "token_created")
        expires = optional_instant_at(entry.token_expires, place / "token_expires")
        if not entry.is_active:
            return
        present = users.find_token_hash(self._connection, entry.uuid)
        token = _token(declared, present, entry, place)
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
        """Check a user's default project, which the same document may have created."""
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
        """Check a project's name, which another entry may have made free."""
        require_free_name(self._connection, entry, place)

    def grant(self, entry: GrantEntry, place: Place) -> None:
        load_grant(self._connection, self._journal, entry, place, self._now)

    def client(self, entry: OAuth2ClientEntry, place: Place) -> None:
        load_client(self._connection, entry, place, self._journal)

    def access_token(self, entry: OAuth2TokenEntry, place: Place) -> None:
        load_access_token(self._connection, entry, place, self._journal)


def _token(
    declared: bytes | None, held: bytes | None, entry: ComponentEntry | UserEntry, place: Place
) -> bytes | None:
    """Return the hash of the token that an entry describes; None if it leaves the token as it is."""
    if declared is not None:
        return declared
    for key in ("token_created", "token_expires"):
        if getattr(entry, key) is not None:
            if held is None:
                raise (place / key).error("there is no token yet; give `token` or `token_hash` as well")
            return held
    return None


def _told_the_ledger(resource: Resource) -> tuple[object, ...]:
    return resource.max_debt, resource.thresholds, resource.shadow


def _may_charge(entry: ComponentEntry, known: Component | None) -> MayCharge:
    """Return what an entry lets a component charge; if it does not say, what the component may charge now."""
    if entry.may_charge is None:
        return None if known is None else known.may_charge
    return tuple(sorted(set(entry.may_charge))) if isinstance(entry.may_charge, list) else entry.may_charge


def _mail_address_at(text: str, place: Place) -> None:
    if not is_mail_address(text):
        raise place.error(f"it must be an email address like {EXAMPLE}")
