"""An argument that was not given, where None is a value that can be given."""

from __future__ import annotations

import enum
from typing import Final, TypeVar

T = TypeVar("T")


class Absent(enum.Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        """How it reads in a signature."""
        return "<absent>"


ABSENT: Final = Absent.ABSENT


def either(function: str, **arguments: T | Absent) -> T:
    """The one argument that is given, of two names for it.

    Raises:
        TypeError: none is given, or both are.
    """
    values = [value for value in arguments.values() if not isinstance(value, Absent)]
    if len(values) != 1:
        raise TypeError(f"{function}() takes exactly one of the arguments {' and '.join(arguments)}")
    return values[0]
