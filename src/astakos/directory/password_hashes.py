"""Password hashes: only argon2 hashes are stored, and checking one is deliberately slow."""

from hashlib import sha256

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()


def password_hash(password: str) -> str:
    """Hashes a password with a random salt, so the result differs each time."""
    return _hasher.hash(password)


def password_print(password: str, salt: str) -> str:
    """Hashes a password with a given salt, so that it is the same each time, and as slow to guess."""
    return _hasher.hash(password, salt=sha256(salt.encode("utf-8", "surrogatepass")).digest())


def password_matches(stored: str, password: str) -> bool:
    """Whether a password matches a stored hash."""
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def is_password_hash(text: str) -> bool:
    """Whether a text is a hash in the form that `password_matches` checks."""
    try:
        extract_parameters(text)
    except InvalidHashError:
        return False
    return True
