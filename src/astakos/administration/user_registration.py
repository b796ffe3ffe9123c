"""Users as administrators make and change them: their accounts, and whether these are active."""

import os
from dataclasses import replace
from typing import Any, TypedDict
from uuid import uuid4

from astakos.administration.accounts import renew_user_token
from astakos.administration.limit_updates import sync_project
from astakos.administration.system_projects import save_system_project
from astakos.directory.entities import User, UserRecord
from astakos.directory.tokens import new_token
from astakos.storage.protocol import Connection
from astakos.storage.tables import deactivations, projects, user_records, users

ACCEPTED_BY_HAND = "manual"


class UserRefusedError(Exception):
    """The state of a user, or of another one, is in the way; the text says how."""


class Particulars(TypedDict, total=False):
    """What is said of a person, in texts that can be stored; what is left out stays as it is.

    Attributes:
        email: the mail address, as it was typed; in lower case it is the user's name.
        first_name: as people write it.
        last_name: as people write it.
        password_hash: of a new password.
        affiliation: whom the user belongs to, None if it is not known.
        metadata: what else is known, for programs.
    """

    email: str
    first_name: str
    last_name: str
    password_hash: str
    affiliation: str | None
    metadata: dict[str, Any]


def new_password() -> str:
    """A password that nobody can guess."""
    return new_token(os.urandom)


def register_user(connection: Connection, given: Particulars, now: int) -> tuple[User, str]:
    """Make a user who is verified, accepted and active at once, with default limits, and a token for them.

    Address, names and password have to be given.

    Raises:
        UserRefusedError: somebody else has the address.
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
    """A user who has never shown to receive mail at an address makes way for one who is vouched for."""
    namesake = users.find_by_username(connection, email)
    if namesake is None:
        return
    if namesake.email_verified or projects.find(connection, namesake.uuid) is not None:
        raise UserRefusedError(f"There is a user {email!r} already.")
    users.delete(connection, namesake.id)


def change_user(connection: Connection, user: User, given: Particulars) -> None:
    """Change what is given.

    Raises:
        UserRefusedError: somebody else has the address.
    """
    email = given.get("email", user.email)
    namesake = users.find_by_username(connection, email)
    if namesake is not None and namesake.uuid != user.uuid:
        raise UserRefusedError(f"There is another user {email!r}.")
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


def deactivate_user(connection: Connection, user: User, reason: str) -> None:
    """Let a user's token cease to work, and suspend their projects and memberships."""
    users.save(connection, replace(user, is_active=False))
    record = user_records.find(connection, user.id)
    user_records.save(connection, user.id, record._replace(deactivated_reason=reason))
    for project in deactivations.suspend(connection, user.id, user.uuid):
        sync_project(connection, project)


def activate_user(connection: Connection, user: User) -> None:
    """Undo that; what was suspended for another reason stays so.

    Raises:
        UserRefusedError: the user has not been verified and accepted.
    """
    if not user.email_verified:
        raise UserRefusedError("The user's mail address has not been verified.")
    if not user.is_accepted:
        raise UserRefusedError(f"The user {'was rejected' if user.is_rejected else 'was not accepted yet'}.")
    users.save(connection, replace(user, is_active=True))
    record = user_records.find(connection, user.id)
    user_records.save(connection, user.id, record._replace(deactivated_reason=None))
    for project in deactivations.unsuspend(connection, user.id):
        sync_project(connection, project)


def sign_terms(connection: Connection, user: User) -> None:
    """Note that a user has signed the present terms of service."""
    users.save(connection, replace(user, has_signed_terms=True))
