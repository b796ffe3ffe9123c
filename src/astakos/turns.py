"""A queue in which callers take turns, so that one who has queued much delays nobody else."""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """What waits, by caller. Each caller's own items stay in their order."""

    __slots__ = ("_count", "_queues")

    def __init__(self) -> None:
        """Starts empty."""
        # The caller whose turn is next comes first.
        self._queues: dict[Hashable, deque[T]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Returns how many items wait."""
        return self._count

    def waiting_of(self, caller: Hashable) -> int:
        """Returns how many items of a caller wait."""
        queue = self._queues.get(caller)
        return 0 if queue is None else len(queue)

    def add(self, caller: Hashable, item: T) -> None:
        """Adds an item. A new caller's turn comes after one turn of each other caller."""
        queue = self._queues.get(caller)
        if queue is None:
            queue = self._queues[caller] = deque()
        queue.append(item)
        self._count += 1

    def remove(self, caller: Hashable, item: T) -> bool:
        """Removes an item that need not wait any longer; returns false if it does not wait."""
        queue = self._queues.get(caller)
        if queue is None or item not in queue:
            return False
        queue.remove(item)
        self._count -= 1
        if not queue:
            del self._queues[caller]
        return True

    def first(self) -> T:
        """Returns the item that `take` takes next, without taking it.

        Raises:
            LookupError: nothing waits.
        """
        for queue in self._queues.values():
            return queue[0]
        raise LookupError("nothing waits")

    def take(self, may: Callable[[Hashable], bool] = lambda _: True) -> T:
        """Takes the first item of the caller whose turn it is; that caller goes to the end.

        Args:
            may: whether a caller can have a turn now; who cannot keeps their place.

        Raises:
            LookupError: nothing waits of anybody who can have a turn.
        """
        for caller in self._queues:
            if may(caller):
                break
        else:
            raise LookupError("nothing waits of anybody who can have a turn")
        queue = self._queues.pop(caller)
        item = queue.popleft()
        self._count -= 1
        if queue:
            self._queues[caller] = queue
        return item
