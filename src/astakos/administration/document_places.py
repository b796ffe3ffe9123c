"""Places in a state document, for error messages."""

from typing import NamedTuple

from astakos.administration.state_document import StateError


class Place(NamedTuple):
    """The place of a value in a document."""

    path: str

    def error(self, message: str) -> StateError:
        """Create an error that names this place."""
        return StateError(f"{message} - at `$.{self.path}`")

    def __truediv__(self, name: str) -> "Place":
        """Return a place inside this one."""
        return Place(f"{self.path}.{name}")
