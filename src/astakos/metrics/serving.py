"""Answering Prometheus: on a port of its own, since what it is told is not for the clients of the service.

It works on threads of the process that has the engine, which never waits for it: all that it asks of others
it waits for by itself, and not for long.
"""

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from astakos.ledger.engine import Engine
from astakos.metrics.collector import ServiceCollector
from astakos.metrics.pending import PendingCommissions
from astakos.processes.reports import Reports
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase


def serve_metrics(host: str, port: int, engine: Engine, reports: Reports, database: Database) -> int:
    """Answer until the process ends; the port, which is any free one if 0 is given.

    Raises:
        OSError: the address can not be had.
    """
    registry = CollectorRegistry()
    kind_of_database = "sqlite" if isinstance(database, SQLiteDatabase) else "postgresql"
    registry.register(ServiceCollector(engine, reports, PendingCommissions(database), kind_of_database))
    ProcessCollector(registry=registry)
    server, _ = start_http_server(port, host, registry)
    return server.server_port
