"""Erases persons: what the ledger needs for its sums stays, without a name."""

from dataclasses import replace
from typing import NamedTuple

from astakos.administration.deactivation import suspend_all
from astakos.administration.limit_updates import sync_memberships
from astakos.administration.project_changes import act_on_application
from astakos.administration.reasons import require_reason
from astakos.administration.user_registration import UserRefusedError
from astakos.directory.entities import User, UserRecord
from astakos.events.event import Actor, Event
from astakos.projects.membership_times import enter
from astakos.projects.project import ACCEPTED_TYPE, Membership, MembershipRecord, MembershipState
from astakos.projects.project_actions import ApplicationAction
from astakos.storage.protocol import Connection
from astakos.storage.tables import erasure, events, memberships, projects, settings, user_records, users

ERASED = "erased"
NOWHERE = "erased.invalid"
"""The domain of the addresses that erased users have; no mail can be sent there (RFC 2606)."""
MOST_NAMED = 10
DELETED = (
    "their name, email address, affiliation, metadata and groups",
    "their password, tokens, sessions, keys and links",
    "their memberships, and their comments on applications and on projects that they own",
    "the messages that they sent to the operators, and what is noted of mail to them",
)
KEPT = (
    "their UUID, with the usage, periods and history of commissions that the sums of projects consist of",
    "their applications, without comments; those that wait for a decision are denied",
    "the audit log: it cannot be changed, and has the names and addresses that were in it",
    "copies of the database, archives and logs that are kept elsewhere",
)
"""What is deleted and what stays, in words for whoever is about to erase somebody."""


class ErasurePreview(NamedTuple):
    """What erasing a user would do.

    Attributes:
        deleted: what is deleted, in words.
        kept: what stays, in words.
        held: what they still use, by resource; it stays counted, so services should release it first.
        owned: some projects that they own and that have not ended, which stand in the way.
        was_accepted: whether anything of them stays; a user who was never accepted is deleted altogether.
    """

    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    held: dict[str, int]
    owned: list[str]
    was_accepted: bool


def is_erased(user: User) -> bool:
    """Whether a user has been erased."""
    return user.email == _address_of(user)


def preview_erasure(connection: Connection, user: User) -> ErasurePreview:
    """Returns what erasing a user would do."""
    was_accepted = projects.find(connection, user.uuid) is not None
    return ErasurePreview(
        DELETED,
        KEPT if was_accepted else KEPT[2:],
        erasure.held(connection, user.uuid),
        erasure.list_owned(connection, user.uuid, MOST_NAMED),
        was_accepted,
    )


def erase_user(connection: Connection, actor: Actor, user: User, reason: str, now: int) -> None:
    """Erases a user for good. See `DELETED` and `KEPT`. The address can be used again.

    Raises:
        UserRefusedError: they own projects that have not ended, or are erased already.
        ProjectRefusedError: the reason cannot be recorded.
    """
    require_reason(reason)
    if is_erased(user):
        raise UserRefusedError("The user has been erased already.")
    preview = preview_erasure(connection, user)
    if preview.owned:
        names = ", ".join(preview.owned)
        raise UserRefusedError(f"The user owns projects; hand them over or end them first: {names}.")
    for project, number in erasure.pending_applications(connection, user.id):
        act_on_application(connection, actor, ApplicationAction.DENY, project, number, reason, now)
    _forget_setting(connection, user)
    erasure.forget(connection, user)
    if preview.was_accepted:
        _make_nameless(connection, actor, user, reason, now)
    else:
        users.delete(connection, user.id)
    events.record(connection, Event("user.erased", actor, subject=user.uuid, reason=reason), now)


def _make_nameless(connection: Connection, actor: Actor, user: User, reason: str, now: int) -> None:
    for membership in memberships.list_of_user(connection, user.uuid):
        if membership.project != user.uuid:
            _leave(connection, actor, membership, reason, now)
    suspend_all(connection, actor, user, reason, now)
    address = _address_of(user)
    nameless = replace(
        user,
        username=address,
        email=address,
        first_name="",
        last_name="",
        is_active=False,
        moderated=True,
        is_rejected=True,
        default_project=user.uuid,
    )
    # An inactive user has no tokens, sessions, keys and links: storing one ends them.
    users.save(connection, nameless)
    known = user_records.find(connection, user.id)
    record = UserRecord(
        date_joined=known.date_joined,
        verified_at=known.verified_at,
        moderated_at=known.moderated_at,
        deactivated_reason=ERASED,
        rejected_reason=ERASED,
    )
    user_records.save(connection, user.id, record)


def _leave(connection: Connection, actor: Actor, membership: MembershipRecord, reason: str, now: int) -> None:
    """Ends a membership, whatever the policy of the project."""
    before = membership.state
    if before in ACCEPTED_TYPE:
        after, kind = MembershipState.REMOVED, "membership.removed"
    elif before is MembershipState.REQUESTED:
        after, kind = MembershipState.CANCELLED, "membership.cancelled"
    else:
        return
    entered = enter(membership.entered, before, after, now)
    ended = Membership(membership.user, after, before in ACCEPTED_TYPE, entered)
    memberships.save_one(connection, membership.project, ended, before)
    if before in ACCEPTED_TYPE:
        sync_memberships(connection, membership.project, [membership.user])
    event = Event(
        kind, actor, membership.project, membership.user, reason, {"state": before}, {"state": after}
    )
    events.record(connection, event, now)


def _forget_setting(connection: Connection, user: User) -> None:
    named = settings.find(connection, settings.PROJECT_ADMINS, [])
    if user.uuid in named:
        kept = [uuid for uuid in named if uuid != user.uuid]
        settings.save(connection, settings.PROJECT_ADMINS, kept)


def _address_of(user: User) -> str:
    return f"{user.uuid}@{NOWHERE}"
