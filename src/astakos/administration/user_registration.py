"""Creates, changes, activates, and deactivates users for administrators."""

import os
from dataclasses import replace
from typing import Any, TypedDict
from uuid import uuid4

from astakos.administration.accounts import renew_user_token
from astakos.administration.limit_updates import sync_memberships, sync_project
from astakos.administration.system_projects import save_system_project
from astakos.directory.entities import User, UserRecord
from astakos.directory.tokens import new_token
from astakos.storage.protocol import Connection
from astakos.storage.tables import deactivations, projects, user_records, users

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
        affiliation: the organization that the user belongs to; None if unknown.
        metadata: free data for programs.
    """

    email: str
    first_name: str
    last_name: str
    password_hash: str
    affiliation: str | None
    metadata: dict[str, Any]


def new_password() -> str:
    """Create a random password that cannot be guessed."""
    return new_token(os.urandom)


def register_user(connection: Connection, given: Particulars, now: int) -> tuple[User, str]:
    """Create a user who is verified, accepted, and active, with default limits; return their token too.

    `given` must contain the address, the names, and the password hash.

    Raises:
        UserRefusedError: another user has the address.
    """
    email = given["email"]
    _free_address(connection, email)
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
    return user, renew_user_token(connection, user, now)


def _free_address(connection: Connection, email: str) -> None:
    """Delete an unverified account with this address, so that the address can be used."""
    namesake = users.find_by_username(connection, email)
    if namesake is None:
        return
    if namesake.email_verified or projects.find(connection, namesake.uuid) is not None:
        raise UserRefusedError(f"There is already a user {email!r}.")
    users.delete(connection, namesake.id)


def change_user(connection: Connection, user: User, given: Particulars) -> None:
    """Change the given data of a user.

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
    if "password_hash" in given:
        users.set_password_hash(connection, user.uuid, given["password_hash"])
    record = user_records.find(connection, user.id)
    record = record._replace(
        affiliation=given.get("affiliation", record.affiliation),
        metadata=given.get("metadata", record.metadata),
    )
    user_records.save(connection, user.id, record)


def deactivate_user(connection: Connection, user: User, reason: str, now: int) -> None:
    """Deactivate a user: end all their tokens and sessions, and suspend their projects and memberships."""
    users.save(connection, replace(user, is_active=False))
    record = user_records.find(connection, user.id)
    user_records.save(connection, user.id, record._replace(deactivated_reason=reason))
    for project in deactivations.suspend(connection, user.id, user.uuid, now):
        sync_project(connection, project)
        sync_memberships(connection, project, [user.uuid])


def activate_user(connection: Connection, user: User, now: int) -> None:
    """Activate a user and restore what their deactivation suspended, but nothing suspended for another
    reason. The tokens that it ended do not come back.

    Raises:
        UserRefusedError: the user is not verified, or not accepted.
    """
    if not user.email_verified:
        raise UserRefusedError("The user's email address has not been verified.")
    if not user.is_accepted:
        raise UserRefusedError(
            f"The user {'was rejected' if user.is_rejected else 'has not been accepted yet'}."
        )
    users.save(connection, replace(user, is_active=True))
    record = user_records.find(connection, user.id)
    user_records.save(connection, user.id, record._replace(deactivated_reason=None))
    for project in deactivations.unsuspend(connection, user.id, user.uuid, now):
        sync_project(connection, project)
        sync_memberships(connection, project, [user.uuid])


def sign_terms(connection: Connection, user: User) -> None:
    """Record that a user has signed the current terms of service."""
    users.save(connection, replace(user, has_signed_terms=True))
