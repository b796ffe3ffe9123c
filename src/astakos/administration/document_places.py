"""Where in a state document something stands, so that an error can name it."""

from typing import NamedTuple

import msgspec

from astakos.administration.state_document import StateDocument, StateError
from astakos.storage.texts import is_storable


class Place(NamedTuple):
    """Where in the document something stands, for error messages."""

    path: str

    def error(self, message: str) -> StateError:
        """An error at this place."""
        return StateError(f"{message} - at `$.{self.path}`")

    def __truediv__(self, name: str) -> "Place":
        """A place inside of this one."""
        return Place(f"{self.path}.{name}")


def require_storable(document: StateDocument) -> None:
    """See that every text of a document can be stored.

    Raises:
        StateError: one can not.
    """
    for name, part in msgspec.to_builtins(document).items():
        _require_storable(part, Place(name))


def _require_storable(value: object, place: Place) -> None:
    if isinstance(value, str):
        if not is_storable(value):
            raise place.error("a text can contain neither NUL nor half a character")
    elif isinstance(value, dict):
        for name, part in value.items():
            _require_storable(name, place)
            _require_storable(part, place / name)
    elif isinstance(value, list):
        for position, part in enumerate(value):
            _require_storable(part, Place(f"{place.path}[{position}]"))
