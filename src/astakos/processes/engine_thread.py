"""The thread of the ledger's engine: the main thread hears signals while the engine waits for its storage."""

import contextlib
import logging
import socket
import threading

from astakos.ledger.engine import Engine

log = logging.getLogger("astakos.ledger")


class EngineThread:
    """Runs the engine, also while nobody is connected to it, until it is told to end.

    Attributes:
        told: is readable as soon as the engine has ended, whatever the reason.
        error: what ended the engine, if it was a defect of the code.
    """

    def __init__(self, engine: Engine, closing_seconds: float) -> None:
        """Prepares; nothing runs yet.

        Args:
            engine: the engine.
            closing_seconds: how long the end of the process waits for it, once nobody can ask it any more.
        """
        self.error: BaseException | None = None
        self.longest_end = closing_seconds
        self.told, self._telling = socket.socketpair()
        # The engine runs until its last connection closes. Workers come and go; this one stays.
        self._held, its = socket.socketpair()
        self._engine = engine
        engine.serve(its)
        # A daemon thread: a database that hangs must not keep the process from exiting.
        self._thread = threading.Thread(target=self._run, name="astakos-engine", daemon=True)

    def start(self) -> None:
        """Begins to apply operations."""
        self._thread.start()

    def begin_to_end(self) -> None:
        """Lets the engine end when the last worker has closed its connection."""
        self._engine.end()
        self._held.close()

    @property
    def has_ended(self) -> bool:
        """Whether the storage is closed, and nothing runs any more."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Forgets what told of the end."""
        self._held.close()
        self.told.close()
        if self.has_ended:
            self._telling.close()

    def _run(self) -> None:
        try:
            self._engine.run()
        except BaseException as error:
            self.error = error
            log.critical("the ledger's engine met a defect of the code, and the service ends", exc_info=True)
        finally:
            with contextlib.suppress(OSError):
                self._telling.shutdown(socket.SHUT_RDWR)
