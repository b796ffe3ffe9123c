"""Changes of the administration in which several things must happen together, or none."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from astakos.administration.charges import PENDING_APPLICATIONS, charge_pending_applications
from astakos.administration.limit_updates import sync_projects
from astakos.administration.load import load
from astakos.administration.membership_changes import act, join
from astakos.administration.state_document import StateDocument
from astakos.directory.entities import Resource
from astakos.events.event import Actor
from astakos.projects.membership_actions import MembershipAction
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import memberships, registry, users
from service.world import ALICE, BOB, EDGAR, LAB, LOADED, Person
from service.world import users as people

NOW = LOADED + 5
OWNER = Actor(ALICE.uuid, "192.0.2.1")
LIMIT = 3
"""How many pending applications a user may have."""

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
    """Begin to count pending applications."""
    registry.save_resource(
        connection,
        Resource(
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
        ),
    )
    sync_projects(connection)


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
    """Load a document in which a user is active, or is not."""

    def change(database: Database) -> None:
        (entry,) = (entry for entry in people() if entry.uuid == person.uuid)
        entry.is_active, entry.password, entry.token = is_active, None, None
        entry.token_created = entry.token_expires = None
        load(database, StateDocument(users=[entry]), NOW)

    return change


def charged(changes: Mapping[Person, int]) -> Change:
    by_uuid = {person.uuid: quantity for person, quantity in changes.items()}
    return within(lambda connection: charge_pending_applications(connection, by_uuid, force=False, now=NOW))


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
    "applications are charged": _transition(
        charged({ALICE: 1, BOB: -1}),
        charged({BOB: 2}),
        tables="holdings resolved_commissions commission_holders",
    ),
}
"""By what happens."""
