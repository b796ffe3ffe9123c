"""Checks a whole state document before anything is written: storable texts, and each thing named once."""

import msgspec

from astakos.administration.document_places import Place
from astakos.administration.state_document import StateDocument
from astakos.storage.texts import is_storable

KEYS = {
    "components": "name",
    "services": "name",
    "resources": "name",
    "users": "uuid",
    "projects": "uuid",
    "grants": "number",
    "keys": "prefix",
    "oauth2_clients": "identifier",
}
"""What identifies an entry of each part."""


def require_storable(document: StateDocument) -> None:
    """Checks that every text in a document can be stored.

    Raises:
        StateError: a text cannot be stored.
    """
    for name, part in msgspec.to_builtins(document).items():
        _require_storable(part, Place(name))


def _require_storable(value: object, place: Place) -> None:
    if isinstance(value, str):
        if not is_storable(value):
            raise place.error("a text cannot contain NUL or lone surrogates")
    elif isinstance(value, dict):
        for name, part in value.items():
            _require_storable(name, place)
            _require_storable(part, place / name)
    elif isinstance(value, list):
        for position, part in enumerate(value):
            _require_storable(part, Place(f"{place.path}[{position}]"))


def require_distinct(document: StateDocument) -> None:
    """Checks that no two entries describe the same thing, of which only the last would count.

    Raises:
        StateError: two entries describe the same thing.
    """
    for part, key in KEYS.items():
        first: dict[str | int, int] = {}
        for position, entry in enumerate(getattr(document, part)):
            name = getattr(entry, key)
            if name in first:
                raise Place(f"{part}[{position}].{key}").error(
                    f"{name!r} is already described", f" by `$.{part}[{first[name]}]`"
                )
            first[name] = position
