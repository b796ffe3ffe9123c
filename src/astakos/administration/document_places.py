"""Places in a state document, for error messages."""

from typing import NamedTuple

from astakos.administration.state_document import StateError

IT = "it "


class PlacedError(StateError):
    """A value in a document is invalid; `words` are what to tell somebody who wrote no document."""

    def __init__(self, message: str, path: str, detail: str = "") -> None:
        """Set what is wrong, where, and a detail that only readers of the document understand."""
        super().__init__(f"{message}{detail} - at `$.{path}`")
        key = path.rpartition(".")[2].partition("[")[0].replace("_", " ")
        self.words = f"the {key} {message.removeprefix(IT)}" if message.startswith(IT) else message


class Place(NamedTuple):
    """The place of a value in a document."""

    path: str

    def error(self, message: str, detail: str = "") -> PlacedError:
        """Create an error that names this place."""
        return PlacedError(message, self.path, detail)

    def __truediv__(self, name: str) -> "Place":
        """Return a place inside this one."""
        return Place(f"{self.path}.{name}")
