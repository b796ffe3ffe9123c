"""All metrics, built on demand from what the processes of a service have counted."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from prometheus_client.core import HistogramMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from astakos.clock import MICROSECONDS
from astakos.distribution import Distribution
from astakos.http.request_counts import SECONDS, Report
from astakos.ledger.engine import Engine
from astakos.metrics import definitions
from astakos.metrics.database_count import DatabaseCount
from astakos.metrics.definitions import Definition
from astakos.metrics.families import Values, counter, gauge
from astakos.processes.reports import Reports
from astakos.storage.tables.delivery_counts import DeliveryCounts
from astakos.storage.tables.pending_ages import PendingAges


class ServiceCollector(Collector):
    """The metrics of one service, including all its processes."""

    def __init__(
        self,
        engine: Engine,
        reports: Reports,
        pending: DatabaseCount[PendingAges],
        keys: DatabaseCount[int],
        sent: DatabaseCount[DeliveryCounts],
        kind_of_database: str,
    ) -> None:
        """Collects from the engine, the processes, and what is counted in the database."""
        self._engine = engine
        self._reports = reports
        self._pending = pending
        self._keys = keys
        self._sent = sent
        self._info = {"version": version("astakos"), "database": kind_of_database}

    def collect(self) -> Iterator[Metric]:
        """Yields all metrics with their current values."""
        yield InfoMetricFamily(definitions.INFO.name, definitions.INFO.meaning, value=self._info)
        yield from self._of_requests()
        yield from self._of_the_engine()
        yield from _of_pending(self._pending.now())
        yield from _of_keys(self._keys.now())
        yield from _of_deliveries(self._sent.now())

    def _of_requests(self) -> Iterator[Metric]:
        processes, report = self._reports.collect()
        yield counter(
            definitions.REQUESTS,
            {(one.route, one.method, str(one.status)): sum(one.counts) for one in report.requests},
        )
        yield _histogram(definitions.REQUEST_DURATION, _by_route_and_method(report))
        yield gauge(definitions.CONNECTIONS, report.connections)
        yield counter(definitions.CONNECTIONS_REFUSED, report.refused_connections)
        yield gauge(definitions.PROCESSES, processes)
        yield counter(definitions.PROCESSES_EXITED, self._reports.exited)
        yield counter(definitions.PROCESSES_CPU, report.cpu_seconds)
        yield gauge(definitions.PROCESSES_MEMORY, report.resident_bytes)
        yield gauge(definitions.OPERATIONS_UNANSWERED, report.under_way)
        yield counter(definitions.OPERATIONS_REFUSED, report.refused)
        yield counter(definitions.OPERATIONS_LATE, report.late)
        yield counter(definitions.OUTCOMES_UNKNOWN, report.unknown)

    def _of_the_engine(self) -> Iterator[Metric]:
        engine, statistics = self._engine, self._engine.statistics
        yield counter(
            definitions.COMMISSIONS, {(fate.value,): count for fate, count in statistics.fates.items()}
        )
        yield counter(
            definitions.REFUSALS, {(reason,): count for reason, count in statistics.refusals.items()}
        )
        yield counter(
            definitions.SHADOW_REFUSALS,
            {(resource,): count for resource, count in statistics.passed.items()},
        )
        yield _histogram(definitions.BATCH_OPERATIONS, {(): statistics.sizes})
        yield _histogram(definitions.BATCH_DURATION, {(): statistics.seconds})
        yield counter(definitions.TRANSACTIONS_FAILED, statistics.failed)
        yield counter(definitions.TRANSACTIONS_REPEATED, engine.repeats)
        yield gauge(definitions.CLOCK_HELD, int(engine.clock.is_held))
        yield gauge(definitions.CLOCK_AHEAD, engine.clock.ahead / MICROSECONDS)
        yield gauge(definitions.LEDGER_STOPPED, int(engine.has_stopped))


def _of_pending(ages: PendingAges | None) -> Iterator[Metric]:
    yield gauge(definitions.DATABASE_READABLE, int(ages is not None))
    if ages is None:
        return
    counts: Values = {
        ("below_1m",): ages.below_a_minute,
        ("1m_to_1h",): ages.below_an_hour,
        ("1h_to_1d",): ages.below_a_day,
        ("above_1d",): ages.longer,
    }
    yield gauge(definitions.PENDING_COMMISSIONS, counts)
    yield gauge(definitions.OLDEST_PENDING, ages.oldest / MICROSECONDS)


def _of_keys(count: int | None) -> Iterator[Metric]:
    if count is not None:
        yield gauge(definitions.IDEMPOTENCY_KEYS, count)


def _of_deliveries(counts: DeliveryCounts | None) -> Iterator[Metric]:
    if counts is None:
        return
    yield gauge(definitions.DELIVERIES, counts.waiting)
    overdue: Values = {
        (destination,): waited / MICROSECONDS for destination, waited in counts.overdue.items()
    }
    yield gauge(definitions.DELIVERIES_OVERDUE, overdue)
    yield counter(definitions.DELIVERY_ATTEMPTS, counts.attempts)
    disabled: Values = {(webhook,): int(is_disabled) for webhook, is_disabled in counts.is_disabled.items()}
    yield gauge(definitions.WEBHOOK_DISABLED, disabled)


def _by_route_and_method(report: Report) -> dict[tuple[str, ...], Distribution]:
    found: dict[tuple[str, ...], Distribution] = {}
    for one in report.requests:
        distribution = found.setdefault((one.route, one.method), Distribution(SECONDS))
        distribution.add_all(one.counts, one.total)
    return found


def _histogram(definition: Definition, values: Mapping[tuple[str, ...], Distribution]) -> Metric:
    family = HistogramMetricFamily(definition.name, definition.meaning, labels=definition.labels)
    for key, distribution in values.items():
        family.add_metric(key, _buckets(distribution), distribution.total)
    return family


def _buckets(distribution: Distribution) -> Sequence[tuple[str, float]]:
    """Returns the buckets of a histogram, which are cumulative in Prometheus."""
    bounds = [*map(floatToGoString, distribution.bounds), "+Inf"]
    buckets = []
    below = 0
    for bound, count in zip(bounds, list(distribution.counts), strict=True):
        below += count
        buckets.append((bound, float(below)))
    return buckets
