"""Metrics of the write-ahead log of an SQLite file."""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from astakos.storage.sqlite.log_state import log_state


class LogCollector(Collector):
    """Tells how large the log is, and how much of it long reads hold back."""

    def __init__(self, path: Path) -> None:
        """Collects from the files beside a database file."""
        self._path = path

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics with their current values; none if the log is missing."""
        state = log_state(self._path)
        if state is None:
            return
        yield GaugeMetricFamily(
            "astakos_sqlite_log_bytes", "Size of the write-ahead log beside the database file.", state.size
        )
        yield GaugeMetricFamily(
            "astakos_sqlite_log_waiting_pages",
            "Pages of the log not copied into the database file yet; many if a long read holds them back.",
            state.waiting,
        )
