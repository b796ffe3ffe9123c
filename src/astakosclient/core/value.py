"""Base classes for value objects: equality, hash and repr derive from ``__slots__``.

Dataclasses would do, but importing `dataclasses` adds a quarter to the import time of this package, and
creating a frozen dataclass is three times slower; some values are created for every call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self


class Value:
    """A value object. ``__init__`` must accept every slot by name; do not assign to slots afterwards."""

    __slots__ = ()
    __hidden__: tuple[str, ...] = ()
    """Slots that ``__repr__`` omits."""

    def __eq__(self, other: object) -> bool:
        """Returns whether both have the same class and equal slots."""
        if type(other) is not type(self):
            return NotImplemented
        return self._held() == other._held()

    def __hash__(self) -> int:
        """Returns the hash of all slots."""
        return hash(tuple(self._held().values()))

    def __repr__(self) -> str:
        """Returns the class and its slots, without the hidden ones."""
        held = self._held().items()
        shown = ", ".join(f"{name}={value!r}" for name, value in held if name not in self.__hidden__)
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Supports pickling and copying."""
        return _made_of, (type(self), self._held())

    def changed(self, **changes: Any) -> Self:
        """Returns a copy with the given slots replaced."""
        return type(self)(**{**self._held(), **changes})

    def _held(self) -> dict[str, Any]:
        slots: tuple[str, ...] = self.__slots__
        return {name: getattr(self, name) for name in slots if name != "__weakref__"}


class FixedValue(Value):
    """An immutable value, for objects that callers store and share."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        """Sets an attribute once, in ``__init__``; raises AttributeError afterwards."""
        if hasattr(self, name):
            raise AttributeError(f"{type(self).__name__} is immutable; create a new instance")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        """Raises AttributeError."""
        raise AttributeError(f"{type(self).__name__} is immutable; create a new instance")


def _made_of(kind: type[Value], held: dict[str, Any]) -> Value:
    return kind(**held)
