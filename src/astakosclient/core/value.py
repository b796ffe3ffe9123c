"""What is worth what it holds: equal to another that holds the same, and shown by it.

The classes that are made here could be dataclasses. But importing those would be a quarter of the time that
importing this package takes, and an unchangeable one is made three times as slowly, some at each call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self


class Value:
    """A class whose `__init__` takes its slots by name; they are not changed once it is made."""

    __slots__ = ()
    __hidden__: tuple[str, ...] = ()
    """Slots that no representation shows."""

    def __eq__(self, other: object) -> bool:
        """Whether it is of the same class and holds the same."""
        if type(other) is not type(self):
            return NotImplemented
        return self._held() == other._held()

    def __hash__(self) -> int:
        """Of all that it holds."""
        return hash(tuple(self._held().values()))

    def __repr__(self) -> str:
        """The class and what it holds, but for what is hidden."""
        held = self._held().items()
        shown = ", ".join(f"{name}={value!r}" for name, value in held if name not in self.__hidden__)
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickling and copying."""
        return _made_of, (type(self), self._held())

    def changed(self, **changes: Any) -> Self:
        """The same with other values in some slots."""
        return type(self)(**{**self._held(), **changes})

    def _held(self) -> dict[str, Any]:
        slots: tuple[str, ...] = self.__slots__
        return {name: getattr(self, name) for name in slots if name != "__weakref__"}


class FixedValue(Value):
    """A value that others keep and share, so that trying to change it is refused."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        """Only once, when it is made."""
        if hasattr(self, name):
            raise AttributeError(f"{type(self).__name__} is not changed; make another one")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        """Never."""
        raise AttributeError(f"{type(self).__name__} is not changed; make another one")


def _made_of(kind: type[Value], held: dict[str, Any]) -> Value:
    return kind(**held)
