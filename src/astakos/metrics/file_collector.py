"""Metrics of an SQLite file, its write-ahead log, and the disk that they are on."""

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from astakos.metrics import definitions
from astakos.metrics.families import gauge
from astakos.storage.sqlite.log_state import log_state


class FileCollector(Collector):
    """Tells the sizes of the file and its log, how much of that long reads hold back, and what is free."""

    def __init__(self, path: Path) -> None:
        """Collects from a database file and the files beside it."""
        self._path = path

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics with their current values, except for those of files that are missing."""
        try:
            size, disk = self._path.stat().st_size, os.statvfs(self._path.absolute().parent)
        except OSError:
            return
        yield gauge(definitions.DATABASE_SIZE, size)
        yield gauge(definitions.DISK_FREE, disk.f_bavail * disk.f_frsize)
        yield gauge(definitions.DISK_SIZE, disk.f_blocks * disk.f_frsize)
        state = log_state(self._path)
        if state is not None:
            yield gauge(definitions.LOG_SIZE, state.size)
            yield gauge(definitions.LOG_WAITING, state.waiting)
