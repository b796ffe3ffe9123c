"""A process that answers HTTP for one that has the ledger's engine (`astakos.http.processes`)."""

import os
import socket
import sys
import threading

import msgspec

from astakos.http.instructions import READY, Instructions, keep_what_is_there, set_up_logging
from astakos.http.server import serve
from astakos.http.service import Service
from astakos.ledger.asking import Ledger
from astakos.storage.database import database_of


def work(control: socket.socket, engine: socket.socket, listener: socket.socket) -> None:
    """Answer until SIGTERM, or at once no more if the other process has gone."""
    with control.makefile("rb") as stream:
        instructions = msgspec.json.decode(stream.readline(), type=Instructions)
    set_up_logging(instructions.log_level)
    threading.Thread(target=_end_with, args=(control,), daemon=True).start()
    database = database_of(instructions.database_url)
    service = Service(
        database,
        instructions.base_url,
        instructions.mailer,
        ledger=Ledger(lambda: engine, most_waiting=instructions.queue_limit),
    )

    def ready() -> None:
        keep_what_is_there()
        control.sendall(READY)

    # Until the server takes care of signals, SIGTERM ends this process as it ends any.
    serve(service, listener, ready)


def _end_with(control: socket.socket) -> None:
    """The other process holds its end as long as it lives; without it nothing can be answered."""
    control.recv(1)
    os._exit(1)


if __name__ == "__main__":
    work(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
