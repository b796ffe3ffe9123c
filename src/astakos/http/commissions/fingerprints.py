"""Hashes issue requests that have an Idempotency-Key, to compare repeated ones (`docs/ledger.md`).

Hashes are stored for a day, so they must survive upgrades. A hash covers a canonical form: the fields in the
order of the struct, without those that have their default value. Appending a field to the struct, with a
default, therefore does not change the hash of a request without that field. Any other change needs a new
version.
"""

import hashlib
from typing import Any, Final

import msgspec

VERSION: Final = b"\x02"
"""Prefix of the hash. Hashes of version 1 have none."""


def fingerprint(body: msgspec.Struct) -> bytes:
    """Returns the fingerprint of a body whose struct sets `omit_defaults`."""
    return VERSION + hashlib.sha256(msgspec.json.encode(body)).digest()


def first_fingerprint(body: msgspec.Struct) -> bytes:
    """Returns the fingerprint of version 1, which includes fields that have their default value."""
    return hashlib.sha256(msgspec.json.encode(_with_defaults(body))).digest()


FIRST_FIELDS: Final = ("provisions", "name", "force", "auto_accept", "ttl")
"""The fields that version 1 had."""


def _with_defaults(body: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(body, name) for name in FIRST_FIELDS}
