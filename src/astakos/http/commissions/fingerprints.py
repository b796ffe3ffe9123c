"""What an issue with an Idempotency-Key asked for, as a hash to compare repetitions by (`docs/ledger.md`).

The hash is stored for a day, so it has to outlive upgrades. It is taken over a canonical form that leaves out
every field with its default, in the order of the struct: a field that is added at the end of the struct, with
a default, does not change the hash of a request that does not send it. Anything else needs a new version.
"""

import hashlib
from typing import Any, Final

import msgspec

VERSION: Final = b"\x02"
"""Stands in front of the hash; those of version 1 have nothing there."""


def fingerprint(body: msgspec.Struct) -> bytes:
    """The fingerprint of a body whose struct has `omit_defaults`."""
    return VERSION + hashlib.sha256(msgspec.json.encode(body)).digest()


def first_fingerprint(body: msgspec.Struct) -> bytes:
    """The same as the first version had it: with every field, also those with their defaults."""
    return hashlib.sha256(msgspec.json.encode(_with_defaults(body))).digest()


FIRST_FIELDS: Final = ("provisions", "name", "force", "auto_accept", "ttl")
"""The fields that there were in the first version."""


def _with_defaults(body: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(body, name) for name in FIRST_FIELDS}
