"""Serves metrics to Prometheus on a separate port, because they are not for the clients of the service.

A process of its own (`astakos.metrics.front`) has the connections. In this process, which has the engine, one
thread collects the metrics when that process asks; the engine never waits for it, and it waits for other
processes only for a short time.
"""

import logging
import socket
import subprocess
import sys
import threading
import time

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from astakos import clock
from astakos.ledger.engine import Engine
from astakos.metrics.collector import ServiceCollector
from astakos.metrics.database_count import DatabaseCount
from astakos.metrics.file_collector import FileCollector
from astakos.processes.listening import listen
from astakos.processes.questions import answer_questions
from astakos.processes.reports import Reports
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables.delivery_counts import count_deliveries
from astakos.storage.tables.pending_ages import count_pending_by_age
from astakos.storage.tables.retention import count_keys

PAUSE_SECONDS = 1.0
"""How long to wait before a process that has ended is replaced."""
RETRY_SECONDS = 10.0
"""How long to wait after one could not be started."""

log = logging.getLogger("astakos.metrics")


def serve_metrics(host: str, port: int, engine: Engine, reports: Reports, database: Database) -> int:
    """Serves metrics until this process exits. Returns the port; port 0 selects a free one.

    Raises:
        OSError: The address is not available.
    """
    registry = CollectorRegistry()
    kind_of_database = "sqlite" if isinstance(database, SQLiteDatabase) else "postgresql"
    pending = DatabaseCount(database, lambda connection: count_pending_by_age(connection, clock.now()))
    keys = DatabaseCount(database, count_keys)
    sent = DatabaseCount(database, lambda connection: count_deliveries(connection, clock.now()))
    registry.register(ServiceCollector(engine, reports, pending, keys, sent, kind_of_database))
    if isinstance(database, SQLiteDatabase):
        registry.register(FileCollector(database.path))
    ProcessCollector(registry=registry)
    listener = listen(host, port)
    threading.Thread(target=_keep_serving, args=(listener, registry), daemon=True).start()
    bound: int = listener.getsockname()[1]
    return bound


def _keep_serving(listener: socket.socket, registry: CollectorRegistry) -> None:
    while True:
        try:
            process, status = _serve(listener, registry)
        except OSError as error:
            # The system has no room for one more process. It may have again.
            log.warning("metrics process cannot be started, will retry: %s", error.strerror or error)
            time.sleep(RETRY_SECONDS)
        else:
            log.error("metrics process exited: process %d, status %d; starting another", process, status)
            time.sleep(PAUSE_SECONDS)


def _serve(listener: socket.socket, registry: CollectorRegistry) -> tuple[int, int]:
    """Starts a process, and answers it until it has ended; returns its ID and its status."""
    ours, its = socket.socketpair()
    with ours:
        with its:
            inherited = [its.fileno(), listener.fileno()]
            process = subprocess.Popen(  # noqa: S603 - no argument comes from outside
                [sys.executable, "-m", "astakos.metrics.front", *map(str, inherited)],
                pass_fds=inherited,
                # Ctrl-C must reach only the main process.
                process_group=0,
            )
        answer_questions(ours, lambda: _collected(registry))
    return process.pid, process.wait()


def _collected(registry: CollectorRegistry) -> bytes:
    """Returns the metrics as text; empty if a defect of the code prevents it."""
    try:
        return generate_latest(registry)
    except Exception:
        log.exception("collecting metrics failed")
        return b""
