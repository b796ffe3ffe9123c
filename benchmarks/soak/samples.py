"""What the processes of the service occupy, again and again."""

import os
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psycopg

from benchmarks.soak.service import Service
from benchmarks.soak.storage import Storage

KIBIBYTE = 2**10
TICKS = os.sysconf("SC_CLK_TCK")


class Sample(NamedTuple):
    """One look.

    Attributes:
        at: seconds since the run began.
        resident: bytes of all processes together; what they share counts for each.
        private: bytes that each kind of process has for itself, by its purpose.
        files, threads: of all processes together.
        cpu: seconds of the processor that those now alive have used.
        database, log: bytes on disk.
    """

    at: float
    resident: int
    private: Mapping[str, int]
    files: int
    threads: int
    cpu: float
    database: int
    log: int


def take(service: Service, storage: Storage, began: float) -> Sample | None:
    """Looks once; None while the service is between two lives.

    Args:
        service: whose processes are looked at.
        storage: how large it is.
        began: when the run began, by the monotonic clock.
    """
    resident = files = threads = 0
    cpu = 0.0
    private: defaultdict[str, int] = defaultdict(int)
    processes = service.processes()
    try:
        for process, purpose in processes.items():
            status = _status(process)
            resident += status["VmRSS"] * KIBIBYTE
            private[purpose] += status["RssAnon"] * KIBIBYTE
            threads += status["Threads"]
            files += len(list(Path(f"/proc/{process}/fd").iterdir()))
            cpu += _cpu_seconds(process)
        database, log = storage.sizes()
    except (OSError, KeyError, ValueError, psycopg.Error):
        return None
    at = time.monotonic() - began
    return Sample(at, resident, private, files, threads, cpu, database, log)


def _status(process: int) -> dict[str, int]:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    fields = (line.partition(":") for line in lines)
    return {
        name: int(value.split()[0]) for name, _, value in fields if name in {"VmRSS", "RssAnon", "Threads"}
    }


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
