"""Hashes the passwords of a state document."""

from collections.abc import Iterable

from astakos.administration.document_places import Place
from astakos.administration.state_document import UserEntry
from astakos.directory.password_hashes import is_password_hash, password_hash, password_matches
from astakos.directory.password_rules import refuse_password
from astakos.storage.protocol import Database
from astakos.storage.tables import users


def hash_passwords(database: Database, entries: Iterable[UserEntry]) -> dict[str, str]:
    """Returns the new password hashes by uuid. Hashing is slow, so it happens before the lock."""
    found = {}
    for position, entry in enumerate(entries):
        place = Place(f"users[{position}]")
        if entry.password is not None and entry.password_hash is not None:
            raise (place / "password").error("a password must be given in clear or as its hash, not both")
        if entry.password == "":
            raise (place / "password").error("a password must not be empty")
        stored = users.find_password_hash(database.reader(), entry.uuid)
        if entry.password_hash is not None:
            if not is_password_hash(entry.password_hash):
                raise (place / "password_hash").error("it must be an argon2 hash")
            if entry.password_hash != stored:
                found[entry.uuid] = entry.password_hash
        elif entry.password is not None and not (stored and password_matches(stored, entry.password)):
            refusal = refuse_password(entry.password)
            if refusal is not None:
                raise Place(f"users[{position}].password").error(refusal)
            found[entry.uuid] = password_hash(entry.password)
    return found
