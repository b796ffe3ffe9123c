"""All metrics, built on demand from what the processes of a service have counted."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from astakos.clock import MICROSECONDS
from astakos.distribution import Distribution
from astakos.http.request_counts import SECONDS, Report
from astakos.ledger.engine import Engine
from astakos.metrics.database_count import DatabaseCount
from astakos.processes.reports import Reports
from astakos.storage.tables.delivery_counts import DeliveryCounts
from astakos.storage.tables.pending_ages import PendingAges
from astakos.storage.tables.retention import MOST_COUNTED


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
        yield InfoMetricFamily("astakos", "Version and database of the service.", value=self._info)
        yield from self._of_requests()
        yield from self._of_the_engine()
        yield from _of_pending(self._pending.now())
        yield from _of_keys(self._keys.now())
        yield from _of_deliveries(self._sent.now())

    def _of_requests(self) -> Iterator[Metric]:
        processes, report = self._reports.collect()
        yield _counter(
            "astakos_http_requests",
            "HTTP requests answered.",
            {(one.route, one.method, str(one.status)): sum(one.counts) for one in report.requests},
            "route",
            "method",
            "status",
        )
        yield _histogram(
            "astakos_http_request_duration_seconds",
            "Duration of HTTP requests.",
            _by_route_and_method(report),
            "route",
            "method",
        )
        yield _gauge("astakos_http_processes", "Processes that answer HTTP.", processes)
        yield _counter(
            "astakos_http_processes_cpu_seconds",
            "CPU time of the processes that answer HTTP.",
            {(): report.cpu_seconds},
        )
        yield _gauge(
            "astakos_http_processes_resident_memory_bytes",
            "Resident memory of the processes that answer HTTP.",
            report.resident_bytes,
        )
        yield _gauge(
            "astakos_ledger_operations_unanswered",
            "Ledger operations not answered yet.",
            report.under_way,
        )
        yield _counter(
            "astakos_ledger_operations_refused",
            "Ledger operations answered with 429 because too many were unanswered.",
            {(): report.refused},
        )
        yield _counter(
            "astakos_ledger_operations_late",
            "Ledger operations answered with 503 because they took too long.",
            {(): report.late},
        )

    def _of_the_engine(self) -> Iterator[Metric]:
        engine, statistics = self._engine, self._engine.statistics
        yield _counter(
            "astakos_commissions",
            "Commissions by outcome. Each one also counts as issued.",
            {(fate.value,): count for fate, count in statistics.fates.items()},
            "outcome",
        )
        yield _counter(
            "astakos_refusals",
            "Operations that the ledger refused, by reason.",
            {(reason,): count for reason, count in statistics.refusals.items()},
            "reason",
        )
        yield _counter(
            "astakos_shadow_refusals",
            "Imports that limits in shadow would have refused, by resource.",
            {(resource,): count for resource, count in statistics.passed.items()},
            "resource",
        )
        yield _histogram("astakos_ledger_batch_operations", "Operations per batch.", {(): statistics.sizes})
        yield _histogram(
            "astakos_ledger_batch_duration_seconds",
            "Duration of a batch, including its commit.",
            {(): statistics.seconds},
        )
        yield _counter(
            "astakos_ledger_transactions_failed",
            "Ledger transactions that failed.",
            {(): statistics.failed},
        )
        yield _counter(
            "astakos_ledger_transactions_repeated",
            "Ledger transactions repeated after a conflict or a lost connection.",
            {(): engine.repeats},
        )
        yield _gauge(
            "astakos_clock_held",
            "1 if nothing expires and nothing is deleted because the clock contradicts the elapsed time.",
            int(engine.clock.is_held),
        )
        yield _gauge(
            "astakos_clock_ahead_seconds",
            "How far the clock is ahead of the elapsed time; negative if it is behind.",
            engine.clock.ahead / MICROSECONDS,
        )
        yield _gauge(
            "astakos_ledger_stopped",
            "1 if the ledger has stopped: stored figures contradict the rule, or the storage is broken.",
            int(engine.has_stopped),
        )


def _of_pending(ages: PendingAges | None) -> Iterator[Metric]:
    yield _gauge(
        "astakos_database_readable",
        "1 if the pending commissions in the database could be counted.",
        int(ages is not None),
    )
    if ages is None:
        return
    family = GaugeMetricFamily("astakos_pending_commissions", "Pending commissions by age.", labels=["age"])
    counts = {
        "below_1m": ages.below_a_minute,
        "1m_to_1h": ages.below_an_hour,
        "1h_to_1d": ages.below_a_day,
        "above_1d": ages.longer,
    }
    for age, count in counts.items():
        family.add_metric([age], count)
    yield family
    yield _gauge(
        "astakos_pending_commissions_oldest_seconds",
        "Age of the oldest pending commission.",
        ages.oldest / MICROSECONDS,
    )


def _of_keys(count: int | None) -> Iterator[Metric]:
    if count is not None:
        yield _gauge(
            "astakos_idempotency_keys",
            f"Stored idempotency keys. Counted up to {MOST_COUNTED}.",
            count,
        )


def _of_deliveries(counts: DeliveryCounts | None) -> Iterator[Metric]:
    if counts is None:
        return
    family = GaugeMetricFamily(
        "astakos_deliveries", "Deliveries that are pending or dead.", labels=["destination", "state"]
    )
    for (destination, state), number in counts.waiting.items():
        family.add_metric([destination, state], number)
    yield family
    yield _counter(
        "astakos_delivery_attempts",
        "Attempts to deliver something, by all services on this database.",
        counts.attempts,
        "destination",
        "outcome",
    )


def _by_route_and_method(report: Report) -> dict[tuple[str, ...], Distribution]:
    found: dict[tuple[str, ...], Distribution] = {}
    for one in report.requests:
        distribution = found.setdefault((one.route, one.method), Distribution(SECONDS))
        distribution.add_all(one.counts, one.total)
    return found


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _counter(name: str, meaning: str, values: Mapping[tuple[str, ...], float], *labels: str) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _histogram(
    name: str, meaning: str, values: Mapping[tuple[str, ...], Distribution], *labels: str
) -> Metric:
    family = HistogramMetricFamily(name, meaning, labels=labels)
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
