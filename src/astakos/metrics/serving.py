"""Serves metrics to Prometheus on a separate port, because they are not for the clients of the service.

Runs on threads of the process that has the engine. The engine never waits for them, and they wait for other
processes only for a short time.
"""

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from astakos import clock
from astakos.ledger.engine import Engine
from astakos.metrics.collector import ServiceCollector
from astakos.metrics.database_count import DatabaseCount
from astakos.processes.reports import Reports
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables.pending_ages import count_pending_by_age
from astakos.storage.tables.retention import count_keys


def serve_metrics(host: str, port: int, engine: Engine, reports: Reports, database: Database) -> int:
    """Serves metrics until the process exits. Returns the port; port 0 selects a free one.

    Raises:
        OSError: The address is not available.
    """
    registry = CollectorRegistry()
    kind_of_database = "sqlite" if isinstance(database, SQLiteDatabase) else "postgresql"
    pending = DatabaseCount(database, lambda connection: count_pending_by_age(connection, clock.now()))
    keys = DatabaseCount(database, count_keys)
    registry.register(ServiceCollector(engine, reports, pending, keys, kind_of_database))
    ProcessCollector(registry=registry)
    server, _ = start_http_server(port, host, registry)
    return server.server_port
