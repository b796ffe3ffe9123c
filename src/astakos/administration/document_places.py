"""Places in a state document, for error messages."""

import re
from typing import NamedTuple

from astakos.administration.state_document import StateError

IT = "it "
POSITION = re.compile(r"\[(\d+)\]$")


class PlacedError(StateError):
    """A value in a document is invalid; `words` are what to tell somebody who wrote no document.

    Attributes:
        message: what is wrong; if it begins with "it ", about the value.
        position: which element of a list is wrong, from 0; None if the value is none.
    """

    def __init__(self, message: str, path: str, detail: str = "") -> None:
        """Sets what is wrong, where, and a detail that only readers of the document understand."""
        super().__init__(f"{message}{detail} - at `$.{path}`")
        self.message = message
        position = POSITION.search(path)
        self.position = None if position is None else int(position[1])
        key = path.rpartition(".")[2].partition("[")[0].replace("_", " ")
        self.words = f"the {key} {message.removeprefix(IT)}" if message.startswith(IT) else message


class Place(NamedTuple):
    """The place of a value in a document."""

    path: str

    def error(self, message: str, detail: str = "") -> PlacedError:
        """Creates an error that names this place."""
        return PlacedError(message, self.path, detail)

    def __truediv__(self, name: str) -> "Place":
        """Returns a place inside this one."""
        return Place(f"{self.path}.{name}")
