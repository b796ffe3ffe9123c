"""Creates, changes, activates, and deactivates users, on behalf of administrators."""

import os
from dataclasses import replace
from typing import Any, TypedDict
from uuid import uuid4

from astakos.administration.accounts import renew_user_token
from astakos.administration.deactivation import restore_all, suspend_all
from astakos.administration.journal import Journal, facts_of_user
from astakos.administration.system_projects import save_system_project
from astakos.directory.entities import User, UserRecord
from astakos.directory.tokens import new_token
from astakos.events.event import Actor, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, projects, user_records, users

ACCEPTED_BY_HAND = "manual"


class UserRefusedError(Exception):
    """The state of a user or another one prevents the change; the message says why."""


class Particulars(TypedDict, total=False):
    """Data about a user, in texts that can be stored. Missing keys leave the data as it is.

    Attributes:
        email: the email address as the user typed it; its lowercase form is the username.
        first_name: the first name.
        last_name: the last name.
        password_hash: the hash of a new password.
        keep_keys: whether the user's keys stay when they get a new password; otherwise they end.
        affiliation: the organization that the user belongs to; None if unknown.
        metadata: free data for programs.
    """

    email: str
    first_name: str
    last_name: str
    password_hash: str
    keep_keys: bool
    affiliation: str | None
    metadata: dict[str, Any]


def new_password() -> str:
    """Creates a random password that cannot be guessed."""
    return new_token(os.urandom)


def register_user(connection: Connection, actor: Actor, given: Particulars, now: int) -> tuple[User, str]:
    """Creates a user who is verified, accepted, and active, with default limits; returns their token too.

    `given` must contain the address, the names, and the password hash.

    Raises:
        UserRefusedError: another user has the address.
    """
    email = given["email"]
    _free_address(connection, actor, email, now)
    uuid = str(uuid4())
    user = User(
        id=0,
        uuid=uuid,
        username=email.lower(),
        email=email,
        first_name=given["first_name"],
        last_name=given["last_name"],
        is_active=True,
        email_verified=True,
        moderated=True,
        is_rejected=False,
        has_signed_terms=True,
        default_project=uuid,
    )
    identifier = users.save(connection, user)
    record = UserRecord(
        date_joined=now,
        verified_at=now,
        moderated_at=now,
        accepted_policy=ACCEPTED_BY_HAND,
        affiliation=given.get("affiliation"),
        metadata=given.get("metadata", {}),
    )
    user_records.save(connection, identifier, record)
    users.set_password_hash(connection, uuid, given["password_hash"])
    user = replace(user, id=identifier)
    save_system_project(connection, user, {}, now)
    after = facts_of_user(user) | {"affiliation": record.affiliation}
    events.record(connection, Event("user.created", actor, subject=uuid, after=after), now)
    return user, renew_user_token(connection, actor, user, now)


def _free_address(connection: Connection, actor: Actor, email: str, now: int) -> None:
    """Deletes an unverified account with this address, so that the address can be used."""
    namesake = users.find_by_username(connection, email)
    if namesake is None:
        return
    if namesake.email_verified or projects.find(connection, namesake.uuid) is not None:
        raise UserRefusedError(f"There is already a user {email!r}.")
    users.delete(connection, namesake.id)
    before = facts_of_user(namesake)
    events.record(connection, Event("user.deleted", actor, subject=namesake.uuid, before=before), now)


def change_user(connection: Connection, actor: Actor, user: User, given: Particulars, now: int) -> None:
    """Changes the given data of a user. With the address, all links end that were mailed or handed over.

    Raises:
        UserRefusedError: another user has the address.
    """
    email = given.get("email", user.email)
    namesake = users.find_by_username(connection, email)
    if namesake is not None and namesake.uuid != user.uuid:
        raise UserRefusedError(f"There is already another user {email!r}.")
    changed = replace(
        user,
        username=email.lower(),
        email=email,
        first_name=given.get("first_name", user.first_name),
        last_name=given.get("last_name", user.last_name),
    )
    users.save(connection, changed)
    if email != user.email:
        # Whoever reads mail to the old address may have some.
        users.end_links(connection, user.uuid)
    known = user_records.find(connection, user.id)
    record = known._replace(
        affiliation=given.get("affiliation", known.affiliation),
        metadata=given.get("metadata", known.metadata),
    )
    user_records.save(connection, user.id, record)
    with Journal(connection, actor, now) as journal:
        before = facts_of_user(user) | {"affiliation": known.affiliation}
        after = facts_of_user(changed) | {"affiliation": record.affiliation}
        journal.compare("user", before, after, subject=user.uuid)
        if dict(record.metadata) != dict(known.metadata):
            # Free data for programs, which may be secret.
            journal.note("user.metadata_changed", subject=user.uuid)
        if "password_hash" in given:
            keep_keys = given.get("keep_keys", False)
            users.set_password_hash(connection, user.uuid, given["password_hash"], keep_keys=keep_keys)
            kept = {"keys_kept": True} if keep_keys else None
            journal.note("user.password_changed", subject=user.uuid, after=kept)


def deactivate_user(connection: Connection, actor: Actor, user: User, reason: str, now: int) -> None:
    """Deactivates a user: ends all their tokens and sessions, and suspends their projects and memberships."""
    users.save(connection, replace(user, is_active=False))
    record = user_records.find(connection, user.id)
    user_records.save(connection, user.id, record._replace(deactivated_reason=reason))
    suspend_all(connection, actor, user, reason, now)
    if user.is_active or record.deactivated_reason != reason:
        events.record(connection, Event("user.deactivated", actor, subject=user.uuid, reason=reason), now)


def activate_user(connection: Connection, actor: Actor, user: User, now: int) -> None:
    """Activates a user and restores what their deactivation suspended, but nothing suspended for another
    reason. The tokens that it ended do not come back.

    Raises:
        UserRefusedError: the user is not verified, or not accepted.
    """
    if not user.email_verified:
        raise UserRefusedError("The user's email address has not been verified.")
    if not user.is_accepted:
        raise UserRefusedError(
            f"The user {'was rejected' if user.is_rejected else 'is not accepted yet'}. Accept them first."
        )
    users.save(connection, replace(user, is_active=True))
    record = user_records.find(connection, user.id)
    user_records.save(connection, user.id, record._replace(deactivated_reason=None))
    restore_all(connection, actor, user, "", now)
    if not user.is_active:
        events.record(connection, Event("user.activated", actor, subject=user.uuid), now)


def sign_terms(connection: Connection, actor: Actor, user: User, now: int) -> None:
    """Records that a user has signed the current terms of service."""
    users.sign_terms(connection, user.id)
    if not user.has_signed_terms:
        events.record(connection, Event("user.terms_signed", actor, subject=user.uuid), now)
