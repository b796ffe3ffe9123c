"""Why a change to a project, an application or a membership is refused."""

from enum import Enum

INACTIVE_OWNER = (
    "the user is not active, and could not look after the project; an administrator must activate them first"
)
"""Why a user does not become the owner of a project."""


class RefusalKind(Enum):
    """What the protocol answers to a refused change (`identity-and-projects.md` §3.2, §4)."""

    INVALID = 400
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409


class ProjectRefusedError(Exception):
    """A change was refused, and nothing has changed.

    Attributes:
        kind: the kind of the refusal, whose value is the HTTP status.
        message: what is wrong, and what would be right.
    """

    def __init__(self, kind: RefusalKind, message: str) -> None:
        """Sets the kind and the message."""
        super().__init__(message)
        self.kind = kind
        self.message = message
