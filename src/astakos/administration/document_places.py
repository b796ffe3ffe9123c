"""Places in a state document, for error messages."""

from typing import NamedTuple

import msgspec

from astakos.administration.state_document import StateDocument, StateError
from astakos.storage.texts import is_storable


class Place(NamedTuple):
    """The place of a value in a document."""

    path: str

    def error(self, message: str) -> StateError:
        """Create an error that names this place."""
        return StateError(f"{message} - at `$.{self.path}`")

    def __truediv__(self, name: str) -> "Place":
        """Return a place inside this one."""
        return Place(f"{self.path}.{name}")


def require_storable(document: StateDocument) -> None:
    """Check that every text in a document can be stored.

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
