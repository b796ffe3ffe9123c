"""How memberships look to a caller (`http-api.md` §9)."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import cast

from astakos.administration.membership_changes import facts_about
from astakos.clock import to_iso
from astakos.events.event import Actor
from astakos.http.serialization import to_json
from astakos.ledger.rules import UNLIMITED
from astakos.projects.membership_actions import MembershipAction, allowed_actions
from astakos.projects.project import MembershipRecord, MembershipState
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, projects, users
from astakos.storage.tables.visible_memberships import ListedMembership
from astakosclient.answer_types import Membership
from astakosclient.answer_types import MembershipAction as ActionName


def membership_document(record: MembershipRecord, allowed: Sequence[MembershipAction]) -> Membership:
    """Returns the document of a membership.

    Args:
        record: The membership.
        allowed: What the caller can do about it now.
    """
    document: Membership = {
        "id": record.id,
        "user": record.user,
        "project": record.project,
        "state": record.state.value,
        # Only actions on existing memberships are allowed, and all of these are in the type.
        "allowed_actions": cast("list[ActionName]", [action.value for action in allowed]),
    }
    for state, time in record.entered.items():
        document[state.value] = to_iso(time)
    return document


def allowed_for(connection: Connection, actor: Actor, record: MembershipRecord) -> list[MembershipAction]:
    """Returns what an actor can do about a membership now."""
    project, user = projects.find(connection, record.project), users.find_by_uuid(connection, record.user)
    return allowed_actions(facts_about(connection, actor, project, user, record))


def list_document(connection: Connection, actor: Actor, listed: Iterable[ListedMembership]) -> bytes:
    """Returns the document of a list, without having the documents of all its members in memory at once."""
    return b"[" + b",".join(_documents(connection, actor, listed)) + b"]"


def _documents(connection: Connection, actor: Actor, listed: Iterable[ListedMembership]) -> Iterator[bytes]:
    @cache
    def has_room(project: str, most: int) -> bool:
        return most >= UNLIMITED or memberships.count_members(connection, project) < most

    # A long list has few kinds of memberships that differ in what the checks of the actions look at.
    allowed: dict[tuple[object, ...], list[MembershipAction]] = {}
    for record, standing in listed:
        kind = (
            record.state,
            record.user == actor.user,
            standing._replace(owner=None, max_members=0),
            standing.owner == actor.user,
            record.state is MembershipState.REQUESTED and has_room(record.project, standing.max_members),
        )
        if kind not in allowed:
            allowed[kind] = allowed_for(connection, actor, record)
        yield to_json(membership_document(record, allowed[kind]))
