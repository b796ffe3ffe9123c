"""Clients that issue commissions, and accept or reject some, as fast as they can."""

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator

from service.caller import Caller
from service.world import ALICE, BOB, COMPUTE_TOKEN, member_key, project_key

CLIENTS = 4
USERS = (member_key(ALICE), member_key(BOB))
CHARGED = (*USERS, project_key())
PATIENCE_SECONDS = 30


class Load:
    """What the clients know."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._is_over = threading.Event()
        self.issued: list[int] = []
        """The serials that were answered, and so are durable."""
        self.resolved: list[int] = []
        self.problems: list[Exception] = []

    def work(self, number: int) -> None:
        """Is one client."""
        user = USERS[number % 2]
        try:
            for turn in itertools.count():
                if self._is_over.is_set():
                    return
                serial = self._caller.issued(COMPUTE_TOKEN, (user, 1), (project_key(), 1))
                self.issued.append(serial)
                if turn % 3:
                    verb = ("accept", "reject")[turn % 2]
                    assert self._caller.act(COMPUTE_TOKEN, serial, verb) == 200
                    self.resolved.append(serial)
        except Exception as error:
            self.problems.append(error)
            raise

    def wait_for_more(self, count: int) -> None:
        """Waits until so many more were issued."""
        wanted = len(self.issued) + count
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.issued) < wanted:
            assert time.monotonic() < deadline
            assert not self.problems
            time.sleep(0.005)

    def end(self) -> None:
        """Lets the clients finish what they are doing."""
        self._is_over.set()


@contextlib.contextmanager
def under_load(caller: Caller) -> Iterator[Load]:
    """Clients work while the context lasts; none of them may have met a problem."""
    load = Load(caller)
    threads = [threading.Thread(target=load.work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.end()
        for thread in threads:
            thread.join()
    assert not load.problems
