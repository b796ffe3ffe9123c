"""The list of all metrics: the collectors, the dashboard, the alerts and the documentation follow it."""

from enum import StrEnum
from typing import Final, NamedTuple

from astakos.storage.tables.retention import MOST_COUNTED


class Kind(StrEnum):
    """The types of metrics, as Prometheus calls them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


class Unit(StrEnum):
    """What the values of a metric count."""

    NUMBER = "number"
    SECONDS = "seconds"
    BYTES = "bytes"
    YES_OR_NO = "yes or no"


class Area(StrEnum):
    """What a metric is about; a row of the dashboard."""

    REQUESTS = "Requests"
    LEDGER = "Ledger"
    REFUSALS = "Refusals"
    DELIVERIES = "Deliveries"
    DATABASE = "Database"
    PROCESS = "Process"


class Presence(StrEnum):
    """When a metric is told."""

    ALWAYS = "always"
    ON_SQLITE = "on SQLite"
    ON_LINUX = "by the library, on Linux"


class Definition(NamedTuple):
    """A metric.

    Attributes:
        name: its name, for a counter or an info without the suffix that its samples have.
        kind: its type.
        meaning: one sentence, which Prometheus shows as help.
        area: what it is about.
        unit: what its values count.
        labels: the names of its labels.
        presence: when it is told.
        is_of_database: whether it tells of the database, which services can share: to be aggregated with
            `max`, not `sum`.
    """

    name: str
    kind: Kind
    meaning: str
    area: Area
    unit: Unit = Unit.NUMBER
    labels: tuple[str, ...] = ()
    presence: Presence = Presence.ALWAYS
    is_of_database: bool = False

    @property
    def told_name(self) -> str:
        """The name that queries use; of a histogram, what its samples begin with."""
        return self.name + {Kind.COUNTER: "_total", Kind.INFO: "_info"}.get(self.kind, "")


INFO: Final = Definition(
    "astakos", Kind.INFO, "Version and database of the service.", Area.PROCESS, labels=("version", "database")
)
REQUESTS: Final = Definition(
    "astakos_http_requests",
    Kind.COUNTER,
    "HTTP requests answered.",
    Area.REQUESTS,
    labels=("route", "method", "status"),
)
REQUEST_DURATION: Final = Definition(
    "astakos_http_request_duration_seconds",
    Kind.HISTOGRAM,
    "Duration of HTTP requests.",
    Area.REQUESTS,
    Unit.SECONDS,
    ("route", "method"),
)
CONNECTIONS: Final = Definition(
    "astakos_http_connections", Kind.GAUGE, "Open connections of HTTP clients.", Area.REQUESTS
)
CONNECTIONS_REFUSED: Final = Definition(
    "astakos_http_connections_refused",
    Kind.COUNTER,
    "Connections answered with 503 and closed because too many were open.",
    Area.REQUESTS,
)
PROCESSES: Final = Definition(
    "astakos_http_processes", Kind.GAUGE, "Processes that answer HTTP.", Area.PROCESS
)
PROCESSES_EXITED: Final = Definition(
    "astakos_http_processes_exited",
    Kind.COUNTER,
    "Processes that answered HTTP and exited while the service was running.",
    Area.PROCESS,
)
PROCESSES_CPU: Final = Definition(
    "astakos_http_processes_cpu_seconds",
    Kind.COUNTER,
    "CPU time of the processes that answer HTTP.",
    Area.PROCESS,
    Unit.SECONDS,
)
PROCESSES_MEMORY: Final = Definition(
    "astakos_http_processes_resident_memory_bytes",
    Kind.GAUGE,
    "Resident memory of the processes that answer HTTP.",
    Area.PROCESS,
    Unit.BYTES,
)
COMMISSIONS: Final = Definition(
    "astakos_commissions",
    Kind.COUNTER,
    "Commissions by outcome. Each one also counts as issued.",
    Area.LEDGER,
    labels=("outcome",),
)
BATCH_OPERATIONS: Final = Definition(
    "astakos_ledger_batch_operations", Kind.HISTOGRAM, "Operations per batch.", Area.LEDGER
)
BATCH_DURATION: Final = Definition(
    "astakos_ledger_batch_duration_seconds",
    Kind.HISTOGRAM,
    "Duration of a batch, including its commit.",
    Area.LEDGER,
    Unit.SECONDS,
)
OPERATIONS_UNANSWERED: Final = Definition(
    "astakos_ledger_operations_unanswered", Kind.GAUGE, "Ledger operations not answered yet.", Area.LEDGER
)
OPERATIONS_LATE: Final = Definition(
    "astakos_ledger_operations_late",
    Kind.COUNTER,
    "Ledger operations answered with 503 because they took too long.",
    Area.LEDGER,
)
OUTCOMES_UNKNOWN: Final = Definition(
    "astakos_ledger_outcomes_unknown",
    Kind.COUNTER,
    "Ledger operations answered with 503 whose outcome could not be told.",
    Area.LEDGER,
)
TRANSACTIONS_FAILED: Final = Definition(
    "astakos_ledger_transactions_failed", Kind.COUNTER, "Ledger transactions that failed.", Area.LEDGER
)
TRANSACTIONS_REPEATED: Final = Definition(
    "astakos_ledger_transactions_repeated",
    Kind.COUNTER,
    "Ledger transactions repeated after a conflict or a lost connection.",
    Area.LEDGER,
)
LEDGER_STOPPED: Final = Definition(
    "astakos_ledger_stopped",
    Kind.GAUGE,
    "1 if the ledger has stopped: stored figures contradict the rule, or the storage is broken.",
    Area.LEDGER,
    Unit.YES_OR_NO,
)
CLOCK_HELD: Final = Definition(
    "astakos_clock_held",
    Kind.GAUGE,
    "1 if nothing expires and nothing is deleted because the clock contradicts the elapsed time.",
    Area.LEDGER,
    Unit.YES_OR_NO,
)
CLOCK_AHEAD: Final = Definition(
    "astakos_clock_ahead_seconds",
    Kind.GAUGE,
    "How far the clock is ahead of the elapsed time; negative if it is behind.",
    Area.LEDGER,
    Unit.SECONDS,
)
REFUSALS: Final = Definition(
    "astakos_refusals",
    Kind.COUNTER,
    "Operations that the ledger refused, by reason.",
    Area.REFUSALS,
    labels=("reason",),
)
SHADOW_REFUSALS: Final = Definition(
    "astakos_shadow_refusals",
    Kind.COUNTER,
    "Imports that limits in shadow would have refused, by resource.",
    Area.REFUSALS,
    labels=("resource",),
)
OPERATIONS_REFUSED: Final = Definition(
    "astakos_ledger_operations_refused",
    Kind.COUNTER,
    "Ledger operations answered with 429 because too many were unanswered.",
    Area.REFUSALS,
)
DELIVERIES: Final = Definition(
    "astakos_deliveries",
    Kind.GAUGE,
    "Deliveries that are pending or dead.",
    Area.DELIVERIES,
    labels=("destination", "state"),
    is_of_database=True,
)
DELIVERIES_OVERDUE: Final = Definition(
    "astakos_deliveries_overdue_seconds",
    Kind.GAUGE,
    "How long the delivery that is due longest has waited for an attempt.",
    Area.DELIVERIES,
    Unit.SECONDS,
    ("destination",),
    is_of_database=True,
)
DELIVERY_ATTEMPTS: Final = Definition(
    "astakos_delivery_attempts",
    Kind.COUNTER,
    "Attempts to deliver something, by all services on this database.",
    Area.DELIVERIES,
    labels=("destination", "outcome"),
    is_of_database=True,
)
WEBHOOK_DISABLED: Final = Definition(
    "astakos_webhook_disabled",
    Kind.GAUGE,
    "1 if a webhook gets nothing more, because its receiver has said that it is gone.",
    Area.DELIVERIES,
    Unit.YES_OR_NO,
    ("destination",),
    is_of_database=True,
)
DATABASE_READABLE: Final = Definition(
    "astakos_database_readable",
    Kind.GAUGE,
    "1 if the pending commissions in the database could be counted.",
    Area.DATABASE,
    Unit.YES_OR_NO,
)
PENDING_COMMISSIONS: Final = Definition(
    "astakos_pending_commissions",
    Kind.GAUGE,
    "Pending commissions by age.",
    Area.DATABASE,
    labels=("age",),
    is_of_database=True,
)
OLDEST_PENDING: Final = Definition(
    "astakos_pending_commissions_oldest_seconds",
    Kind.GAUGE,
    "Age of the oldest pending commission.",
    Area.DATABASE,
    Unit.SECONDS,
    is_of_database=True,
)
IDEMPOTENCY_KEYS: Final = Definition(
    "astakos_idempotency_keys",
    Kind.GAUGE,
    f"Stored idempotency keys. Counted up to {MOST_COUNTED}.",
    Area.DATABASE,
    is_of_database=True,
)
DATABASE_SIZE: Final = Definition(
    "astakos_sqlite_database_bytes",
    Kind.GAUGE,
    "Size of the database file, without its write-ahead log.",
    Area.DATABASE,
    Unit.BYTES,
    presence=Presence.ON_SQLITE,
)
LOG_SIZE: Final = Definition(
    "astakos_sqlite_log_bytes",
    Kind.GAUGE,
    "Size of the write-ahead log beside the database file.",
    Area.DATABASE,
    Unit.BYTES,
    presence=Presence.ON_SQLITE,
)
LOG_WAITING: Final = Definition(
    "astakos_sqlite_log_waiting_pages",
    Kind.GAUGE,
    "Pages of the log not copied into the database file yet; many if a long read holds them back.",
    Area.DATABASE,
    presence=Presence.ON_SQLITE,
)
DISK_FREE: Final = Definition(
    "astakos_sqlite_disk_free_bytes",
    Kind.GAUGE,
    "Free space on the disk of the database file.",
    Area.DATABASE,
    Unit.BYTES,
    presence=Presence.ON_SQLITE,
)
DISK_SIZE: Final = Definition(
    "astakos_sqlite_disk_bytes",
    Kind.GAUGE,
    "Size of the disk of the database file.",
    Area.DATABASE,
    Unit.BYTES,
    presence=Presence.ON_SQLITE,
)

OURS: Final = (
    INFO,
    REQUESTS,
    REQUEST_DURATION,
    CONNECTIONS,
    CONNECTIONS_REFUSED,
    PROCESSES,
    PROCESSES_EXITED,
    PROCESSES_CPU,
    PROCESSES_MEMORY,
    COMMISSIONS,
    REFUSALS,
    SHADOW_REFUSALS,
    BATCH_OPERATIONS,
    BATCH_DURATION,
    OPERATIONS_UNANSWERED,
    OPERATIONS_REFUSED,
    OPERATIONS_LATE,
    OUTCOMES_UNKNOWN,
    TRANSACTIONS_FAILED,
    TRANSACTIONS_REPEATED,
    DATABASE_SIZE,
    DISK_FREE,
    DISK_SIZE,
    LOG_SIZE,
    LOG_WAITING,
    CLOCK_HELD,
    CLOCK_AHEAD,
    LEDGER_STOPPED,
    DATABASE_READABLE,
    PENDING_COMMISSIONS,
    OLDEST_PENDING,
    IDEMPOTENCY_KEYS,
    DELIVERIES,
    DELIVERIES_OVERDUE,
    DELIVERY_ATTEMPTS,
    WEBHOOK_DISABLED,
)
"""What the service counts, in the order of docs/monitoring.md."""


def _of_process(name: str, kind: Kind, meaning: str, unit: Unit) -> Definition:
    return Definition(name, kind, meaning, Area.PROCESS, unit, presence=Presence.ON_LINUX)


OF_THE_LIBRARY: Final = (
    _of_process(
        "process_cpu_seconds", Kind.COUNTER, "CPU time of the process of the ledger's engine.", Unit.SECONDS
    ),
    _of_process(
        "process_resident_memory_bytes",
        Kind.GAUGE,
        "Resident memory of the process of the ledger's engine.",
        Unit.BYTES,
    ),
    _of_process(
        "process_virtual_memory_bytes",
        Kind.GAUGE,
        "Virtual memory of the process of the ledger's engine.",
        Unit.BYTES,
    ),
    _of_process(
        "process_start_time_seconds",
        Kind.GAUGE,
        "When the service started, in seconds since 1970.",
        Unit.SECONDS,
    ),
    _of_process(
        "process_open_fds", Kind.GAUGE, "Open files of the process of the ledger's engine.", Unit.NUMBER
    ),
    _of_process("process_max_fds", Kind.GAUGE, "How many files it may open.", Unit.NUMBER),
)
"""What the library tells of the main process, which has the ledger's engine."""

ALL: Final = (*OURS, *OF_THE_LIBRARY)
