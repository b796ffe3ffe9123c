"""Loads an entry of `projects` of a state document, with its limits and members."""

from collections.abc import Iterable, Mapping, Sequence

from astakos.administration.document_places import Place
from astakos.administration.document_values import (
    instant_at,
    limit_at,
    limits_at,
    optional_instant_at,
    text_at,
    uuid_at,
)
from astakos.administration.journal import Journal
from astakos.administration.limit_updates import (
    sync_memberships,
    sync_project,
    sync_project_and_memberships,
)
from astakos.administration.member_limits import note_limit
from astakos.administration.state_document import MemberEntry, ProjectEntry
from astakos.administration.unknown_resources import no_such_resource
from astakos.projects.membership_times import placed
from astakos.projects.project import (
    ALIVE,
    APPLYING,
    INITIALIZED,
    Application,
    ApplicationState,
    Capacity,
    Membership,
    MembershipState,
    Project,
)
from astakos.projects.project_events import project_changed, project_created
from astakos.storage.protocol import Connection
from astakos.storage.tables import deactivations, memberships, project_applications, projects, registry, users
from astakos.storage.tables.holding_limits import find_allowance, set_allowance


def load_project(
    connection: Connection, entry: ProjectEntry, place: Place, now: int, journal: Journal
) -> None:
    """Creates a project, or changes it to match its entry."""
    uuid = uuid_at(entry.uuid, place / "uuid")
    known = projects.find(connection, uuid)
    if known is not None and known.system_project:
        raise (place / "uuid").error(
            "a user's system project has this UUID; to set its limits, use the user's `quotas`"
        )
    if entry.owner is not None and users.find_by_uuid(connection, entry.owner) is None:
        raise (place / "owner").error(f"there is no user {entry.owner!r}")
    created = optional_instant_at(entry.creation_date, place / "creation_date")
    project = Project(
        uuid=uuid,
        name=text_at(entry.name, place / "name"),
        state=entry.state,
        system_project=False,
        owner=entry.owner,
        homepage=entry.homepage,
        description=entry.description,
        comments=entry.comments,
        creation_date=created if created is not None else known.creation_date if known else now,
        end_date=instant_at(entry.end_date, place / "end_date"),
        join_policy=entry.join_policy,
        leave_policy=entry.leave_policy,
        max_members=limit_at(entry.max_members, place / "max_members"),
        private=entry.private,
        parent=known.parent if known else None,
    )
    replaced = projects.capacities_of(connection, uuid)
    projects.save(connection, project)
    capacities = _load_capacities(connection, entry, place)
    if known is None:
        journal.add(project_created(journal.actor, project, capacities))
    else:
        journal.add(project_changed(journal.actor, known, project, replaced=replaced, given=capacities))
    if known is None:
        _note_application(connection, project)
    if entry.members is None:
        sync_project(connection, uuid)
    else:
        states = _states(connection, uuid)
        _load_members(connection, uuid, entry.members, place, now)
        _note_memberships(journal, uuid, states, _states(connection, uuid))
        sync_project_and_memberships(connection, uuid)
        _load_member_limits(connection, uuid, entry.members, place, journal)
    projects.reset_default_project(connection, project)


def _states(connection: Connection, project: str) -> dict[str, MembershipState]:
    return {known.user: known.state for known in memberships.list_of_project(connection, project)}


def _note_memberships(
    journal: Journal,
    project: str,
    before: Mapping[str, MembershipState],
    after: Mapping[str, MembershipState],
) -> None:
    for user, state in after.items():
        known = {"state": before[user]} if user in before else None
        journal.compare("membership", known, {"state": state}, project=project, subject=user)


def require_free_name(connection: Connection, entry: ProjectEntry, place: Place) -> None:
    """Checks that a project shares its name with no other that is active or suspended."""
    project = projects.find(connection, entry.uuid)
    if project is None or project.state not in ALIVE:
        return
    namesake = projects.find_namesake(connection, project)
    if namesake is not None:
        raise (place / "name").error(
            f"the project {namesake} has this name as well; active and suspended projects must differ in it"
        )


def require_resources(connection: Connection, names: Iterable[str], place: Place) -> None:
    """Checks that all resources exist."""
    known = {resource.name for resource in registry.list_resources(connection)}
    for name in names:
        if name not in known:
            raise place.error(no_such_resource(connection, name))


def _note_application(connection: Connection, project: Project) -> None:
    """Stores the application that a new project would have come from, as every project has one."""
    if project.owner is None or project.state not in INITIALIZED:
        return
    application = Application(
        id=0,
        project=project.uuid,
        applicant=project.owner,
        state=ApplicationState.APPROVED,
        submitted=project.creation_date,
        name=project.name,
        owner=project.owner,
        homepage=project.homepage,
        description=project.description,
        comments=project.comments,
        end_date=project.end_date,
        join_policy=project.join_policy,
        leave_policy=project.leave_policy,
        max_members=project.max_members,
        private=project.private,
        resources=projects.capacities_of(connection, project.uuid),
    )
    project_applications.add(connection, application)


def _load_capacities(connection: Connection, entry: ProjectEntry, place: Place) -> dict[str, Capacity]:
    require_resources(connection, entry.resources, place / "resources")
    capacities = {}
    for name, given in entry.resources.items():
        here = place / f"resources[{name!r}]"
        capacity = Capacity(limit_at(given.project_capacity, here), limit_at(given.member_capacity, here))
        if capacity.member > capacity.project:
            raise here.error("a member's capacity must not be larger than the project's")
        capacities[name] = capacity
    projects.save_capacities(connection, entry.uuid, capacities)
    return capacities


def _load_members(
    connection: Connection, project: str, entries: Sequence[str | MemberEntry], place: Place, now: int
) -> None:
    known = {record.user: record for record in memberships.records_of_project(connection, project)}
    listed: dict[str, Membership] = {}
    for position, entry in enumerate(entries):
        here = place / f"members[{position}]"
        user, state = _member(connection, entry, here)
        if user in listed:
            raise here.error(f"the user {user!r} is listed twice")
        listed[user] = placed(user, known.get(user), state, now)
    removed = [
        placed(record.user, record, MembershipState.REMOVED, now)
        for record in known.values()
        if record.user not in listed and record.state not in APPLYING
    ]
    memberships.save(connection, project, [*listed.values(), *removed])
    for membership in listed.values():
        if membership.state is MembershipState.SUSPENDED:
            _note_deactivation(connection, membership.user, project)


def _load_member_limits(
    connection: Connection,
    project: str,
    entries: Sequence[str | MemberEntry],
    place: Place,
    journal: Journal,
) -> None:
    limited = []
    for position, entry in enumerate(entries):
        if isinstance(entry, str) or not entry.limits:
            continue
        here = place / f"members[{position}]" / "limits"
        require_resources(connection, entry.limits, here)
        for resource, limit in limits_at(entry.limits, here).items():
            known = find_allowance(connection, project, entry.user, resource)
            if known is None:
                raise here.error(f"the user {entry.user!r} was never accepted, and so cannot have limits")
            set_allowance(connection, project, entry.user, resource, limit)
            note_limit(journal, project, entry.user, resource, before=known, after=limit)
        limited.append(entry.user)
    sync_memberships(connection, project, limited)


def _member(connection: Connection, entry: str | MemberEntry, place: Place) -> tuple[str, MembershipState]:
    uuid = entry if isinstance(entry, str) else entry.user
    user = users.find_by_uuid(connection, uuid)
    if user is None:
        raise place.error(f"there is no user {uuid!r}")
    state = MembershipState.ACCEPTED if isinstance(entry, str) else entry.state
    if state is MembershipState.ACCEPTED and not user.is_active:
        state = MembershipState.SUSPENDED
    return uuid, state


def _note_deactivation(connection: Connection, uuid: str, project: str) -> None:
    user = users.find_by_uuid(connection, uuid)
    if user is not None and not user.is_active:
        deactivations.note(connection, uuid, project, deactivations.MEMBERSHIP)
