"""Writes an installation's declarative state as a document, with secrets as hashes and without usage."""

from collections.abc import Iterator, Sequence

from msgspec import UNSET

from astakos.administration.document_values import HASH_PREFIX
from astakos.administration.grants import place_of
from astakos.administration.state_document import (
    CapacityEntry,
    ComponentEntry,
    ComponentTokenEntry,
    GrantEntry,
    KeyEntry,
    KeySecretEntry,
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
from astakos.clock import to_iso
from astakos.directory.entities import Component
from astakos.directory.oauth2_rules import PUBLIC
from astakos.ledger.grants import NEVER
from astakos.projects.limits import default_capacity
from astakos.projects.project import MembershipState
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import (
    api_keys,
    component_tokens,
    grants,
    key_holdings,
    memberships,
    meters,
    oauth2,
    projects,
    registry,
    settings,
    users,
)
from astakos.storage.tables.holding_limits import allowances_of


def dump(database: Database) -> StateDocument:
    """Returns the document that recreates the declared state when loaded into an empty database."""
    with database.snapshot() as connection:
        return StateDocument(
            base_url=settings.find(connection, settings.BASE_URL),
            settings=Settings(
                moderation=settings.find(connection, settings.MODERATION),
                project_admins=settings.find(connection, settings.PROJECT_ADMINS),
                administrators=settings.find(connection, settings.ADMINISTRATORS),
                groups=users.list_groups(connection),
                helpdesk=settings.find(connection, settings.HELPDESK),
                admin_users=settings.find(connection, settings.ADMIN_USERS),
                admin_users_groups=settings.find(connection, settings.ADMIN_USERS_GROUPS),
                history_days=settings.find(connection, settings.HISTORY_DAYS),
                meter_ttl_seconds=settings.find(connection, settings.METER_TTL_SECONDS),
                clock_jump_seconds=settings.find(connection, settings.CLOCK_JUMP_SECONDS),
                end_projects=settings.find(connection, settings.END_PROJECTS),
                ending_notice_days=settings.find(connection, settings.ENDING_NOTICE_DAYS),
                grant_notice_days=settings.find(connection, settings.GRANT_NOTICE_DAYS),
                pending_notice_hours=settings.find(connection, settings.PENDING_NOTICE_HOURS),
                most_members_told=settings.find(connection, settings.MOST_MEMBERS_TOLD),
                clock_agreement_seconds=settings.find(connection, settings.CLOCK_AGREEMENT_SECONDS),
                most_keys=settings.find(connection, settings.MOST_KEYS),
                compatibility=settings.find(connection, settings.COMPATIBILITY),
                trusted_proxies=settings.find(connection, settings.TRUSTED_PROXIES),
                webhook_networks=settings.find(connection, settings.WEBHOOK_NETWORKS),
                **{name: settings.find(connection, name) for name in settings.LOGIN},
            ),
            components=list(_components(connection)),
            services=list(_services(connection)),
            resources=list(_resources(connection)),
            users=list(_users(connection)),
            projects=list(_projects(connection)),
            grants=list(_grants(connection)),
            keys=list(_keys(connection)),
            oauth2_clients=list(_oauth2_clients(connection)),
            oauth2_tokens=list(_oauth2_tokens(connection)),
        )


def _time(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)


def _hash(stored: bytes | None) -> str | None:
    return None if stored is None else HASH_PREFIX + stored.hex()


def _components(connection: Connection) -> Iterator[ComponentEntry]:
    for component in registry.list_components(connection):
        yield ComponentEntry(
            name=component.name,
            ui_url=component.ui_url,
            base_url=component.base_url,
            token_hash=_hash(registry.find_component_token_hash(connection, component.name)),
            token_created=_time(component.token_created),
            token_expires=_time(component.token_expires),
            tokens=_component_tokens(connection, component),
            menu=dict(component.menu),
            may_charge=list(component.may_charge)
            if isinstance(component.may_charge, tuple)
            else component.may_charge,
        )


def _component_tokens(connection: Connection, component: Component) -> list[ComponentTokenEntry] | None:
    return [
        ComponentTokenEntry(
            name=one.name,
            token_hash=_hash(one.token_hash),
            created=to_iso(one.created),
            expires=_time(one.expires),
        )
        for one in component_tokens.list_of(connection, component.id)
    ] or None


def _services(connection: Connection) -> Iterator[ServiceEntry]:
    for service in registry.list_services(connection):
        endpoints = [dict(endpoint) for endpoint in service.endpoints]
        yield ServiceEntry(
            name=service.name, type=service.type, component=service.component.name, endpoints=endpoints
        )


def _resources(connection: Connection) -> Iterator[ResourceEntry]:
    definitions = meters.find_definitions(connection)
    for resource in registry.list_resources(connection):
        yield ResourceEntry(
            name=resource.name,
            service=resource.service,
            service_type=resource.service_type,
            unit=resource.unit,
            scale=resource.scale,
            description=resource.description,
            system_default=resource.system_default,
            project_default=resource.project_default,
            ui_visible=resource.ui_visible,
            api_visible=resource.api_visible,
            max_debt=resource.max_debt,
            thresholds=None if resource.thresholds is None else list(resource.thresholds),
            shadow=resource.shadow,
            meter=definitions.get(resource.name),
        )


def _users(connection: Connection) -> Iterator[UserEntry]:
    defaults = {
        resource.name: default_capacity(resource, system_project=True)
        for resource in registry.list_resources(connection)
    }
    for user in users.list_users(connection):
        capacities = projects.capacities_of(connection, user.uuid)
        yield UserEntry(
            uuid=user.uuid,
            email=user.email,
            first_name=user.first_name,
            last_name=user.last_name,
            password_hash=users.find_password_hash(connection, user.uuid),
            token_hash=_hash(users.find_token_hash(connection, user.uuid)),
            token_created=_time(user.token_created),
            token_expires=_time(user.token_expires),
            is_active=user.is_active,
            email_verified=user.email_verified,
            moderated=user.moderated,
            is_rejected=user.is_rejected,
            has_signed_terms=user.has_signed_terms,
            default_project=None if user.default_project == user.uuid else user.default_project,
            groups=[group.name for group in users.groups_of(connection, user.id)],
            quotas={
                name: capacity.member for name, capacity in capacities.items() if capacity != defaults[name]
            },
        )


def _projects(connection: Connection) -> Iterator[ProjectEntry]:
    for project in projects.list_projects(connection):
        if project.system_project:
            continue
        allowances = allowances_of(connection, project.uuid)
        yield ProjectEntry(
            uuid=project.uuid,
            name=project.name,
            owner=project.owner,
            homepage=project.homepage,
            description=project.description,
            comments=project.comments,
            creation_date=to_iso(project.creation_date),
            end_date=to_iso(project.end_date),
            join_policy=project.join_policy,
            leave_policy=project.leave_policy,
            max_members=project.max_members,
            private=project.private,
            state=project.state,
            parent=project.parent or UNSET,
            resources={
                name: CapacityEntry(project_capacity=capacity.project, member_capacity=capacity.member)
                for name, capacity in projects.capacities_of(connection, project.uuid).items()
            },
            members=[
                member.user
                if member.state is MembershipState.ACCEPTED and member.user not in allowances
                else MemberEntry(user=member.user, state=member.state, limits=allowances.get(member.user, {}))
                for member in memberships.list_of_project(connection, project.uuid)
            ],
        )


def _grants(connection: Connection) -> Iterator[GrantEntry]:
    for grant in grants.list_all(connection):
        place = place_of(grant.key)
        yield GrantEntry(
            number=grant.number,
            user=place.user,
            project=place.project,
            resource=place.resource,
            amount=grant.holding.limit,
            priority=grant.priority,
            starts=to_iso(grant.starts),
            expires=None if grant.expires == NEVER else to_iso(grant.expires),
            lifts=None if grant.lifts is None else list(grant.lifts),
            note=grant.note,
            revoked=grant.state is grants.State.REVOKED,
        )


def _keys(connection: Connection) -> Iterator[KeyEntry]:
    for user, key in api_keys.list_keys(connection):
        yield KeyEntry(
            user=user,
            prefix=key.prefix,
            name=key.name,
            project=key.project,
            services=_listed(key.services),
            calls=_listed(key.calls),
            networks=_listed(key.networks),
            created=to_iso(key.created),
            expires=_time(key.expires),
            creator=key.creator,
            limits=key_holdings.limits_of(connection, user, key.prefix),
            secrets=[
                KeySecretEntry(
                    hash=HASH_PREFIX + secret.secret_hash.hex(),
                    created=to_iso(secret.created),
                    expires=_time(secret.expires),
                )
                for secret in api_keys.list_secrets(connection, key.id)
            ],
        )


def _listed(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)


def _oauth2_clients(connection: Connection) -> Iterator[OAuth2ClientEntry]:
    for client in oauth2.list_clients(connection):
        yield OAuth2ClientEntry(
            identifier=client.identifier,
            name=client.name,
            secret_hash=_hash(client.secret_hash),
            type="public" if client.type == PUBLIC else "confidential",
            trusted=client.trusted,
            url=client.url,
            redirect_urls=list(client.redirect_urls),
        )


def _oauth2_tokens(connection: Connection) -> Iterator[OAuth2TokenEntry]:
    for token in oauth2.list_tokens(connection):
        yield OAuth2TokenEntry(
            token_hash=_hash(token.token_hash),
            client=token.client,
            user=token.user,
            scope=token.scope,
            expires=to_iso(token.expires),
        )
