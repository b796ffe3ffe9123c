"""What the numbers were taken on: without it they mean nothing."""

import importlib.metadata
import os
import platform
import sqlite3
import tempfile
import time
from pathlib import Path

PACKAGES = (
    "aiohttp",
    "astakos",
    "httptools",
    "httpx2",
    "msgspec",
    "requests",
    "urllib3",
    "uvicorn",
    "uvloop",
)
SYNCHRONIZATIONS = 50


def describe() -> list[tuple[str, str]]:
    """What to print above the results, as names and values."""
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    folder = Path(tempfile.gettempdir())
    return [
        ("machine", f"{len(os.sched_getaffinity(0))} × {_processor()}"),
        ("system", platform.platform()),
        ("load", f"{os.getloadavg()[0]:.2f} in the last minute before the run"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("SQLite", sqlite3.sqlite_version),
        ("packages", packages),
        ("disk", f"{folder} ({_file_system(folder)}), fsync of 4 KiB: {_fsync_microseconds():.0f} µs"),
    ]


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the file system that a folder is in, by the longest mount point above it."""
    found = ("", "unknown")
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return found[1]
    for line in mounts:
        _, point, kind, *_ = line.split()
        if folder.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, kind)
    return found[1]


def _fsync_microseconds() -> float:
    """What making a page durable costs here: it bounds every design that commits once per call."""
    with tempfile.TemporaryFile() as file:
        started = time.perf_counter()
        for _ in range(SYNCHRONIZATIONS):
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
        return (time.perf_counter() - started) / SYNCHRONIZATIONS * 1e6
