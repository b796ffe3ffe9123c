"""A serialized request, which does not show what it holds."""

from __future__ import annotations


class Message:
    """The bytes of a request.

    They contain the token. Error reporters and debuggers show the variables of the frames that an exception
    went through, so that the transports keep no plain bytes in theirs.

    Attributes:
        data: head and body.
    """

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        """Sets the attribute; see the class."""
        self.data = data

    def __len__(self) -> int:
        """Returns the number of bytes."""
        return len(self.data)

    def __repr__(self) -> str:
        """Returns the class and the number of bytes, which are secret."""
        return f"<Message of {len(self.data)} bytes>"
