"""A process that answers HTTP for one that has the ledger's engine (`astakos.processes.supervisor`)."""

import os
import socket
import sys
import threading
from typing import BinaryIO

import msgspec

from astakos.http.application import Application
from astakos.http.dialects.choice import DIALECTS
from astakos.http.request_counts import tell
from astakos.ledger.engine_client import Ledger
from astakos.logs import set_up_logging
from astakos.processes.configuration import DRAIN, READY, Instructions, keep_what_is_there, spoken_version
from astakos.processes.http_server import serve
from astakos.service.service import Service
from astakos.storage.opening import database_of


def work(
    control: socket.socket,
    engine: socket.socket,
    listener: socket.socket,
    questions: socket.socket | None = None,
) -> None:
    """Answer until SIGTERM, or at once no more if the other process has gone.

    Args:
        control: the connection to the process that has started this one.
        engine: the connection to the ledger's engine.
        listener: where to answer.
        questions: the connection through which that process asks what has been counted, if it wants to know.
    """
    commands = control.makefile("rb")
    if commands.readline().rstrip(b"\n") != spoken_version():
        sys.exit("astakos: another version was installed while the service was running; restart the service")
    instructions = msgspec.json.decode(commands.readline(), type=Instructions)
    set_up_logging(instructions.log_level, instructions.log_format)
    database = database_of(instructions.database_url)
    service = Service(
        database,
        instructions.base_url,
        instructions.mailer,
        ledger=Ledger(lambda: engine, most_waiting=instructions.queue_limit),
    )

    application = Application(service, DIALECTS[instructions.compatibility])
    threading.Thread(target=_obey, args=(commands, service), daemon=True).start()
    if questions is not None:
        counted = questions, application.requests, service.ledger
        threading.Thread(target=tell, args=counted, daemon=True).start()

    def ready() -> None:
        keep_what_is_there()
        control.sendall(READY)

    # Until the server takes care of signals, SIGTERM ends this process as it ends any.
    serve(application, listener, ready)


def _obey(commands: BinaryIO, service: Service) -> None:
    """Listen to the other process, which holds its end as long as it lives.

    Without it nothing can be answered.
    """
    while commands.read(1) == DRAIN:
        service.readiness.is_ending = True
    os._exit(1)


if __name__ == "__main__":
    work(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
