"""Changes of the administration in which several things must happen together, or none."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from astakos.administration.charges import PENDING_APPLICATIONS
from astakos.administration.handover import hand_over
from astakos.administration.invitations import join_with_invitation
from astakos.administration.limit_updates import sync_resource
from astakos.administration.load import load
from astakos.administration.membership_changes import act, join
from astakos.administration.nesting import move_project
from astakos.administration.project_changes import (
    act_on_application,
    act_on_project,
    create_project,
    modify_project,
)
from astakos.administration.state_document import CapacityEntry, ProjectEntry, StateDocument
from astakos.clock import DAY
from astakos.directory.entities import Resource
from astakos.directory.tokens import token_hash
from astakos.events.event import Actor
from astakos.ledger.batch import carry_out_within
from astakos.ledger.operations import Issue
from astakos.ledger.rules import Provision
from astakos.projects.invitations import Invitation, write_code
from astakos.projects.membership_actions import MembershipAction
from astakos.projects.project import Capacity
from astakos.projects.project_actions import ApplicationAction, ProjectAction
from astakos.projects.specification import Specification
from astakos.storage.opening import joined_transaction
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import invitations, memberships, registry, users
from service.world import ALICE, BOB, CHLOE, EDGAR, FAR, LAB, LOADED, VM, Person, project_key
from service.world import users as people

NOW = LOADED + 5
OWNER = Actor(ALICE.uuid, "192.0.2.1")
ADMINISTRATOR = Actor(CHLOE.uuid, "192.0.2.3", is_project_admin=True)
SECRET = "s" * 43
ORGANIZATION = "000000b1-0000-4000-8000-0000000000b1"
LIMIT = 3
"""How many pending applications a user may have."""

NEWEST = """
SELECT p.uuid, a.id FROM project_applications a JOIN projects p ON p.id = a.project_id
ORDER BY a.id DESC LIMIT 1
"""
CHARGED = "project_applications holdings resolved_commissions commission_holders events"
"""What every change to an application changes, and the charge for it."""

Change = Callable[[Database], object]


class Transition(NamedTuple):
    """A change, what must have happened before, and the tables that it changes."""

    change: Change
    before: tuple[Change, ...]
    tables: frozenset[str]


def within(work: Callable[[Connection], object]) -> Change:
    """A change that is one transaction."""
    return lambda database: database.change(work)


def count_applications(connection: Connection) -> None:
    """Begins to count pending applications."""
    resource = Resource(
        id=0,
        name=PENDING_APPLICATIONS,
        service="astakos_account",
        service_type="account",
        unit=None,
        description="",
        system_default=LIMIT,
        project_default=0,
        ui_visible=False,
        api_visible=False,
    )
    registry.save_resource(connection, resource)
    sync_resource(connection, resource)


def joined(person: Person) -> Change:
    actor = Actor(person.uuid, "192.0.2.7")
    return within(lambda connection: join(connection, actor, LAB, person.uuid, NOW))


def acted(person: Person, action: MembershipAction) -> Change:
    def work(connection: Connection) -> None:
        membership = memberships.find_of(connection, person.uuid, LAB)
        assert membership is not None
        act(connection, OWNER, membership.id, action, NOW, reason="so")

    return within(work)


def draws_by_default(person: Person) -> Change:
    return within(lambda connection: users.set_default_project(connection, person.uuid, LAB))


def lets_everybody_in(database: Database) -> None:
    database.change(
        lambda connection: connection.execute(
            "UPDATE projects SET join_policy = 'auto' WHERE uuid = ?", (LAB,)
        )
    )


def has_activity(person: Person, *, is_active: bool) -> Change:
    """Loads a document in which a user is active, or is not."""

    def change(database: Database) -> None:
        (entry,) = (entry for entry in people() if entry.uuid == person.uuid)
        entry.is_active, entry.password, entry.token = is_active, None, None
        entry.token_created = entry.token_expires = None
        load(database, StateDocument(users=[entry]), NOW)

    return change


def applied(person: Person) -> Change:
    """Applies for a new project."""
    asked = Specification(name="new.example.org", end_date=FAR, max_members=5, resources={VM: Capacity(4, 2)})
    actor = Actor(person.uuid, "192.0.2.7")
    return within(lambda connection: create_project(connection, actor, asked, NOW))


def asked_for_changes(actor: Actor) -> Change:
    """Applies for changes to the project of the lab."""
    asked = Specification(name="labs.example.org", max_members=7, resources={VM: Capacity(20, 15)})
    return within(lambda connection: modify_project(connection, actor, LAB, asked, NOW))


def decided(action: ApplicationAction) -> Change:
    """Decides the newest application."""

    def work(connection: Connection) -> None:
        project, number = connection.execute(NEWEST).fetchone()
        act_on_application(connection, ADMINISTRATOR, action, project, number, "so", NOW)

    return within(work)


def changed(action: ProjectAction) -> Change:
    """Changes the state of the lab's project."""
    return within(lambda connection: act_on_project(connection, ADMINISTRATOR, action, LAB, "so", NOW))


def invited(database: Database) -> None:
    """Makes an invitation to the lab, the first there is."""
    invitation = Invitation(0, LAB, 1, 0, NOW, NOW + DAY, ALICE.uuid)
    database.change(lambda connection: invitations.add(connection, invitation, token_hash(SECRET)))


def joined_with_the_invitation(person: Person) -> Change:
    actor, code = Actor(person.uuid, "192.0.2.7"), write_code(1, SECRET)
    return within(lambda connection: join_with_invitation(connection, actor, code, person.uuid, NOW))


def asked_for_another_owner(database: Database) -> None:
    asked = Specification(owner=CHLOE.uuid)
    database.change(lambda connection: modify_project(connection, OWNER, LAB, asked, NOW))


def handed_over(database: Database) -> None:
    database.change(lambda connection: hand_over(connection, OWNER, LAB, BOB.uuid, "so", NOW))


def used_beside_an_organization(database: Database) -> None:
    """Something of the lab is in use, and there is a project that it can be within."""
    capacity = CapacityEntry(project_capacity=9, member_capacity=9)
    organization = ProjectEntry(
        uuid=ORGANIZATION, name="org.example.org", end_date=FAR, resources={VM: capacity}
    )
    load(database, StateDocument(projects=[organization]), NOW)
    issue = Issue(1, (Provision(project_key(), 3),), auto_accept=True)
    database.change(lambda connection: carry_out_within(joined_transaction(connection), [issue], NOW, due=0))


def moved(parent: str | None) -> Change:
    return within(lambda connection: move_project(connection, ADMINISTRATOR, LAB, parent, "reorganized", NOW))


def _transition(change: Change, *before: Change, tables: str) -> Transition:
    return Transition(change, (within(count_applications), *before), frozenset(tables.split()))


TRANSITIONS: Mapping[str, Transition] = {
    "a user asks to join": _transition(joined(EDGAR), tables="memberships events"),
    "a user joins at once": _transition(
        joined(EDGAR), lets_everybody_in, tables="memberships holdings events"
    ),
    "a member is accepted": _transition(
        acted(EDGAR, MembershipAction.ACCEPT), joined(EDGAR), tables="memberships holdings events"
    ),
    "a member is removed": _transition(
        acted(BOB, MembershipAction.REMOVE),
        draws_by_default(BOB),
        tables="memberships holdings users events",
    ),
    "a user is deactivated": _transition(
        has_activity(ALICE, is_active=False),
        tables="users memberships projects deactivations holdings",
    ),
    "a user is activated again": _transition(
        has_activity(ALICE, is_active=True),
        has_activity(ALICE, is_active=False),
        tables="users memberships projects deactivations holdings",
    ),
    "a project is applied for": _transition(applied(BOB), tables=f"projects project_resources {CHARGED}"),
    "an application replaces that of another": _transition(
        asked_for_changes(ADMINISTRATOR), asked_for_changes(OWNER), tables=CHARGED
    ),
    "a new project is approved": _transition(
        decided(ApplicationAction.APPROVE),
        applied(BOB),
        tables=f"projects project_resources {CHARGED}",
    ),
    "changes to a project are approved": _transition(
        decided(ApplicationAction.APPROVE),
        asked_for_changes(OWNER),
        tables=f"projects project_resources {CHARGED}",
    ),
    "changes to a project are denied": _transition(
        decided(ApplicationAction.DENY), asked_for_changes(OWNER), tables=CHARGED
    ),
    "a new project is no longer wanted": _transition(
        decided(ApplicationAction.CANCEL), applied(BOB), tables=f"projects {CHARGED}"
    ),
    "a project is suspended": _transition(changed(ProjectAction.SUSPEND), tables="projects events"),
    "a user joins with an invitation": _transition(
        joined_with_the_invitation(EDGAR), invited, tables="project_invitations memberships holdings events"
    ),
    "a project is handed over": _transition(
        handed_over, asked_for_another_owner, tables=f"projects {CHARGED}"
    ),
    "a project is moved": _transition(
        moved(ORGANIZATION),
        used_beside_an_organization,
        tables="projects holdings resolved_commissions events",
    ),
    "a project is terminated": _transition(
        changed(ProjectAction.TERMINATE), draws_by_default(BOB), tables="projects users events"
    ),
}
"""By what happens."""
