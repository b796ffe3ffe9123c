"""User accounts and their tokens."""

import os

from astakos.administration.state_document import StateError
from astakos.directory.entities import User
from astakos.directory.password_hashes import password_hash
from astakos.directory.tokens import USER_TOKEN_LIFETIME, new_token, token_hash
from astakos.storage.protocol import Connection
from astakos.storage.tables import users

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024


def find_user(connection: Connection, name: str) -> User:
    """The user of that uuid or mail address.

    Raises:
        StateError: there is none.
    """
    user = users.find_by_uuid(connection, name) or users.find_by_username(connection, name)
    if user is None:
        raise StateError(f"there is no user {name!r}")
    return user


def renew_user_token(connection: Connection, user: User, now: int) -> str:
    """Give a user a new token, which is answered here and never again.

    All that they had before ceases to work, and they are logged out.
    """
    token = new_token(os.urandom)
    users.set_token(connection, user.uuid, token_hash(token), now, now + USER_TOKEN_LIFETIME)
    return token


def hash_new_password(password: str) -> str:
    """The hash of a password that a user is to have; it takes long, so it is made before anything is locked.

    Raises:
        StateError: it is too short to withstand guessing, or longer than anybody needs.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise StateError(f"a password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return password_hash(password)


def set_password(connection: Connection, user: User, hashed: str) -> None:
    """Give a user a password by its hash; who logged in with the old one has to log in again."""
    users.set_password_hash(connection, user.uuid, hashed)
