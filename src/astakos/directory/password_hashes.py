"""Passwords: only their argon2 hashes are stored, and checking one is slow on purpose."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()


def password_hash(password: str) -> str:
    """The text to store for a password; another one each time."""
    return _hasher.hash(password)


def password_matches(stored: str, password: str) -> bool:
    """Whether the stored hash is of that password."""
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def is_password_hash(text: str) -> bool:
    """Whether a text is a hash that `password_matches` can check."""
    return text.startswith("$argon2")
