"""User accounts and their tokens."""

import os

from astakos.administration.state_document import StateError
from astakos.directory.entities import User
from astakos.directory.password_hashes import password_hash
from astakos.directory.password_rules import refuse_password
from astakos.directory.tokens import USER_TOKEN_LIFETIME, new_token, token_hash
from astakos.events.event import Actor, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, users


def find_user(connection: Connection, name: str) -> User:
    """Finds a user by uuid or email address.

    Raises:
        StateError: there is no such user.
    """
    user = find_user_if_any(connection, name)
    if user is None:
        raise StateError(f"there is no user {name!r}; name one by UUID or whole email address")
    return user


def find_user_if_any(connection: Connection, name: str) -> User | None:
    """Finds a user by uuid or email address; None if there is no such user."""
    return users.find_by_uuid(connection, name) or users.find_by_username(connection, name)


def renew_user_token(connection: Connection, actor: Actor, user: User, now: int) -> str:
    """Replaces a user's token and returns the new one, which cannot be shown again.

    Ends all their earlier tokens and sessions.
    """
    token = new_token(os.urandom)
    users.set_token(connection, user.uuid, token_hash(token), now, now + USER_TOKEN_LIFETIME)
    events.record(connection, Event("user.token_renewed", actor, subject=user.uuid), now)
    return token


def hash_new_password(password: str) -> str:
    """Hashes a new password. Hashing is slow, so call this before locking anything.

    Raises:
        StateError: the password is not accepted.
    """
    refusal = refuse_password(password)
    if refusal is not None:
        raise StateError(refusal)
    return password_hash(password)


def set_password(
    connection: Connection,
    actor: Actor,
    user: User,
    hashed: str,
    now: int,
    *,
    keep_tokens: bool,
    keep_keys: bool = False,
) -> None:
    """Sets a user's password hash.

    Unless `keep_tokens`, ends all their tokens and sessions, and unless `keep_keys`, all their keys.
    """
    users.set_password_hash(connection, user.uuid, hashed, keep_tokens=keep_tokens, keep_keys=keep_keys)
    kept = {"tokens_kept": keep_tokens, "keys_kept": keep_keys}
    events.record(connection, Event("user.password_changed", actor, subject=user.uuid, after=kept), now)
