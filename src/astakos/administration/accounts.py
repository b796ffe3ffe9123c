"""User accounts and their tokens."""

import os

from astakos.administration.document import StateError
from astakos.directory.model import User
from astakos.directory.tokens import USER_TOKEN_LIFETIME, new_token, token_hash
from astakos.storage import oauth2, users
from astakos.storage.database import Connection


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

    The old one ceases to work, and so do the access tokens that OAuth2 clients got for the user.
    """
    token = new_token(os.urandom)
    oauth2.delete_tokens_of(connection, user.id)
    users.set_token(connection, user.uuid, token_hash(token), now, now + USER_TOKEN_LIFETIME)
    return token
