"""A worker process, which answers HTTP. The ledger's engine runs in `astakos.processes.supervisor`."""

import gc

if __name__ == "__main__":
    # Nothing of what is imported now is garbage, and looking for it takes much of the time. When all is
    # ready, `keep_what_is_there` collects what there is, and lets more be looked for.
    gc.disable()

import logging
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from astakos.directory.trusted_proxies import TrustedProxies
from astakos.http.application import Application
from astakos.http.dialects.choice import DIALECTS
from astakos.http.request_counts import ConnectionCounts, tell
from astakos.ledger.engine_client import Ledger
from astakos.logs import set_up_logging
from astakos.processes.configuration import DRAIN, READY, Instructions, spoken_version
from astakos.processes.listening import begin_to_listen
from astakos.processes.memory import keep_giving_back, keep_what_is_there
from astakos.processes.questions import Asker
from astakos.server.running import serve
from astakos.server.site import Site
from astakos.service.service import Service
from astakos.storage.opening import database_of
from astakos.tracing.spans import untraced

if TYPE_CHECKING:
    from astakos.tracing.export import Tracing

log = logging.getLogger("astakos.http")


def work(
    control: socket.socket,
    engine: socket.socket,
    listener: socket.socket,
    questions: socket.socket,
    figures: socket.socket,
) -> None:
    """Answers requests until SIGTERM. Exits at once if the supervisor is gone.

    Args:
        control: Connection to the supervisor.
        engine: Connection to the ledger's engine.
        listener: Socket to accept connections on; it is bound, and listens as soon as they are answered.
        questions: Connection on which the supervisor asks for counts.
        figures: Connection on which to ask the supervisor how the service does.
    """
    commands = control.makefile("rb")
    version = commands.readline()
    if not version:
        # The supervisor is gone before it said anything.
        sys.exit(1)
    if version.rstrip(b"\n") != spoken_version():
        sys.exit("astakos: another version was installed while the service was running; restart the service")
    instructions = msgspec.json.decode(commands.readline(), type=Instructions)
    set_up_logging(instructions.log_level, instructions.log_format)
    tracing = _tracing() if instructions.traces else None
    service = Service(
        database_of(instructions.database_url),
        instructions.base_url,
        ledger=Ledger(
            lambda: engine,
            most_waiting=instructions.queue_limit,
            trace=None if tracing is None else tracing.tracer.present,
        ),
        proxies=TrustedProxies(instructions.trusted_proxies),
        has_mail=instructions.has_mail,
        span=untraced if tracing is None else tracing.tracer.span,
    )

    application = Application(service, DIALECTS[instructions.compatibility])
    site = application if tracing is None else _traced(application, tracing)
    threading.Thread(target=_obey, args=(commands, service), daemon=True).start()
    service.ask_figures = Asker(figures, lambda: None).recent
    connections = ConnectionCounts()
    counted = questions, application.requests, service.ledger, connections
    threading.Thread(target=tell, args=counted, daemon=True).start()

    def ready() -> None:
        keep_what_is_there()
        keep_giving_back()
        # Not before: whoever connects to a process that still starts would wait for it.
        try:
            begin_to_listen(listener)
        except OSError as error:
            log.critical("cannot listen on %s port %d: %s", *listener.getsockname()[:2], error.strerror)
            sys.exit(1)
        control.sendall(READY)

    # Until the server handles signals, SIGTERM has its default effect: it ends this process.
    serve(site, listener, ready, instructions.limits, connections)


def _tracing() -> "Tracing":
    # Not imported otherwise: it takes a while, and need not be installed.
    from astakos.tracing.export import Tracing  # noqa: PLC0415

    return Tracing("worker")


def _traced(application: Application, tracing: "Tracing") -> Site:
    from astakos.server.traced_site import TracedSite  # noqa: PLC0415 - as above

    return TracedSite(application, tracing.tracer, application.service.base_url, tracing.stop)


def _obey(commands: BinaryIO, service: Service) -> None:
    """Follows commands from the supervisor, which keeps its end open as long as it lives.

    Exits when the supervisor is gone, because no call can be answered without it.
    """
    while commands.read(1) == DRAIN:
        service.readiness.is_ending = True
    os._exit(1)


if __name__ == "__main__":
    work(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
    # Threads that wait for a database that hangs are left behind.
    os._exit(0)
