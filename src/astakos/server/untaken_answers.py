"""What the client of one connection does not take of its answers: how much it is, and for how long."""

import math
from collections.abc import Callable
from typing import Final

from astakos.server.limits import Limits

NEVER: Final = math.inf


class UntakenAnswers:
    """The bytes of answers that a connection holds.

    Attributes:
        are_too_many: whether the client asks more quickly than it takes; it gets no further answers for now.
        size: how many bytes there are while they are too many, as of the last look; else 0.
    """

    __slots__ = ("_before", "_since", "_tell", "are_too_many", "size")

    def __init__(self, tell: Callable[[int], None]) -> None:
        """Begins with none; `tell` is told by how many bytes `size` changes."""
        self._tell = tell
        self._since = NEVER
        self._before = 0
        self.are_too_many = False
        self.size = 0

    def become_too_many(self, size: int) -> None:
        """Notes that the client gets no further ones."""
        self.are_too_many = True
        self._hold(size)

    def become_few(self) -> None:
        """Notes that the client has taken most of them. The next ones have their own time."""
        self.are_too_many = False
        self._since = NEVER
        self._hold(0)

    def let_go(self) -> None:
        """Holds nothing any more: the connection ends."""
        self._hold(0)

    def measure(self, size: int) -> int:
        """Looks again how many there are, without telling it; returns `size`."""
        self.size = size if self.are_too_many else 0
        return self.size

    def take_too_long(self, size: int, now: float, limits: Limits) -> bool:
        """Returns whether the client takes what there is now too slowly.

        Args:
            size: how many bytes there are, too many or not.
            now: the instant, by the clock of all looks.
            limits: how quickly answers must be taken.
        """
        if size == 0:
            self._since = NEVER
        elif self._since is NEVER or self._since > now:
            self._since, self._before = now, size
        else:
            taken = max(0, self._before - size)
            return now - self._since > limits.answer_seconds + taken / limits.body_bytes_per_second
        return False

    def _hold(self, size: int) -> None:
        if size != self.size:
            more, self.size = size - self.size, size
            self._tell(more)
