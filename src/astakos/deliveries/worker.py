"""The process that delivers: a dead mail server or webhook holds up its own deliveries, and nothing else.

Each destination with work has a thread of its own until its work is done.
"""

import logging
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from astakos import clock
from astakos.deliveries.deliverer import Deliverer, Receivers, undelivered
from astakos.ledger.ports import StorageUnavailableError
from astakos.logs import set_up_logging
from astakos.storage.opening import database_of
from astakos.tracing.spans import untraced

if TYPE_CHECKING:
    from astakos.tracing.export import Tracing

LOOK_SECONDS = 1.0
"""How often the audit log is looked at."""
FAILURE_SECONDS = 10.0
"""How long to wait after a failure of the database."""
FORGET_SECONDS = 3600.0
GRACE_SECONDS = 5.0
"""How long attempts that have begun can take after the service has ended; others are made again."""

log = logging.getLogger("astakos.notices")


class Assignment(msgspec.Struct):
    """What the process is told. It comes through a socket because it can contain passwords."""

    database_url: str
    log_level: str
    log_format: str
    receivers: Receivers
    traces: bool = False


class Rounds:
    """Looks for work again and again, and gives it to threads.

    One thread looks and another one ends it: whoever looks may be waiting for the database.
    """

    def __init__(self, deliverer: Deliverer) -> None:
        """Has not begun."""
        self.ending = threading.Event()
        self._deliverer = deliverer
        self._threads: dict[str, threading.Thread] = {}
        self._forget_at = 0.0

    def run(self) -> None:
        """Works until told to end."""
        while not self.ending.is_set():
            pause = LOOK_SECONDS if self._attempted(self.look) else FAILURE_SECONDS
            self.ending.wait(pause)

    def end(self) -> None:
        """Begins nothing more, and waits a little for attempts that have begun; on any thread."""
        self.ending.set()
        end = time.monotonic() + GRACE_SECONDS
        for thread in list(self._threads.values()):
            thread.join(max(end - time.monotonic(), 0))

    def look(self) -> None:
        """Starts a thread for each destination that has work and no thread."""
        for name in self._deliverer.destinations_with_work():
            if self.ending.is_set():
                return
            thread = self._threads.get(name)
            if thread is None or not thread.is_alive():
                # A daemon thread: one that hangs must not keep the process from exiting.
                thread = threading.Thread(target=self._work, args=(name,), daemon=True)
                thread.start()
                # Whoever ends this waits for those that have started.
                self._threads[name] = thread
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET_SECONDS
            self._deliverer.forget()

    def _work(self, name: str) -> None:
        if not self._attempted(lambda: self._deliverer.work_through(name, self.ending.is_set)):
            self.ending.wait(FAILURE_SECONDS)

    def _attempted(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except StorageUnavailableError as error:
            log.warning("deliveries wait for the database: %s", error)
        except Exception:
            log.exception("delivering failed")
        else:
            return True
        return False


def deliver(control: socket.socket) -> None:
    """Delivers until the service has ended; signals to end are for its main process."""
    lines = control.makefile("rb")
    told = lines.readline()
    if not told:
        # The service ended before it said what to do.
        return
    try:
        assignment = msgspec.json.decode(told, type=Assignment)
    except msgspec.MsgspecError:
        sys.exit("astakos: another version was installed while the service was running; restart the service")
    set_up_logging(assignment.log_level, assignment.log_format)
    if logging.getLogger().level == logging.WARNING:
        # Whoever does without mail is not warned, but nothing else tells of these notices.
        undelivered.setLevel(logging.INFO)
    database = database_of(assignment.database_url)
    tracing = _tracing() if assignment.traces else None
    span = untraced if tracing is None else tracing.tracer.client_span
    rounds = Rounds(Deliverer(database, assignment.receivers, clock.now, random.random, span))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    threading.Thread(target=rounds.run, daemon=True).start()
    lines.read(1)
    rounds.end()
    if tracing is not None:
        tracing.stop()
    # Threads that hang in a system call are left behind.
    os._exit(0)


def _tracing() -> "Tracing":
    # Not imported otherwise: it takes a while, and need not be installed.
    from astakos.tracing.export import Tracing  # noqa: PLC0415

    return Tracing("deliveries")


if __name__ == "__main__":
    deliver(socket.socket(fileno=int(sys.argv[1])))
