"""A sentinel for arguments that were not passed, for calls in which None is a valid value."""

from __future__ import annotations

import enum
from typing import Final, TypeVar

T = TypeVar("T")


class Absent(enum.Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        """Returns the text that `help` shows in a signature."""
        return "<absent>"


ABSENT: Final = Absent.ABSENT


def either(function: str, **arguments: T | Absent) -> T:
    """Returns the value of an argument that has two names.

    Raises:
        TypeError: the caller passed neither name, or both.
    """
    values = [value for value in arguments.values() if not isinstance(value, Absent)]
    if len(values) != 1:
        raise TypeError(f"{function}() takes exactly one of the arguments {' and '.join(arguments)}")
    return values[0]
