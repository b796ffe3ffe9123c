"""A soak: hours of mixed load on a real service, with faults, at a rate that leaves the machine usable.

Writes figures over time, a picture and a page into a folder. The exit status is 1 if anything drifted, was
lost, or was answered as it must not be.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from tools.postgres_server import free_port

from benchmarks.child_process import forget_proxies
from benchmarks.soak import checking, installation, mix, report, samples
from benchmarks.soak.book import Book
from benchmarks.soak.callers import Pace, Soak
from benchmarks.soak.charging import FORGOTTEN_SECONDS
from benchmarks.soak.faults import Disturber
from benchmarks.soak.report import Findings
from benchmarks.soak.samples import Sample
from benchmarks.soak.service import Service, ServiceFailedError
from benchmarks.soak.storage import PostgreSQLStorage, SQLiteStorage, postgresql_storage, sqlite_storage
from benchmarks.soak.tally import Tally
from benchmarks.soak.webhook_receiver import WebhookReceiver

HOUR = 3600.0
SAMPLES, INTERVALS, FAULTS = 720, 60, 36
SHORTEST_SAMPLE, SHORTEST_INTERVAL, SHORTEST_FAULT = 0.5, 2.0, 6.0
FINISHING_SECONDS = 180.0
EXPIRY_SECONDS = 10.0


async def soak(storage: SQLiteStorage | PostgreSQLStorage, options: argparse.Namespace) -> Findings:
    """Runs the load, causes the faults, checks the books."""
    seconds = options.hours * HOUR
    receiver = WebhookReceiver()
    webhook_port = await receiver.start()
    environment = {**os.environ, "ASTAKOS_DATABASE": storage.url}
    key = options.folder / "webhook-key"
    await asyncio.to_thread(_prepare, storage, environment, webhook_port, key)
    log = options.folder / "service.log"
    arguments = ["--workers", str(options.workers), "--webhook-key", str(key)]
    service = Service(free_port(), arguments, environment, log)
    await asyncio.to_thread(service.start)
    try:
        tally = Tally(max(SHORTEST_INTERVAL, seconds / INTERVALS))
        findings = Findings(f"{options.workers} worker on {_kind(storage)}", seconds, tally)
        run = Soak(service.port, Pace(options.rate), tally, Book())
        await _load(run, service, storage, findings, options)
        await asyncio.sleep(FORGOTTEN_SECONDS + EXPIRY_SECONDS)
        findings.doctor = await asyncio.to_thread(checking.ask_doctor, environment, service.port)
        usage = await asyncio.to_thread(checking.reported_usage, service.port)
        await asyncio.to_thread(service.stop)
        findings.books = await asyncio.to_thread(checking.check_books, storage.url, run.book, usage)
        findings.deliveries = receiver.received
        findings.traces = _tracebacks(log)
    finally:
        service.end()
        await receiver.stop()
    return findings


def _prepare(
    storage: SQLiteStorage | PostgreSQLStorage, environment: dict[str, str], port: int, key: Path
) -> None:
    installation.make(storage.url)
    installation.add_webhook(environment, port, key)


async def _load(
    run: Soak,
    service: Service,
    storage: SQLiteStorage | PostgreSQLStorage,
    findings: Findings,
    options: argparse.Namespace,
) -> None:
    seconds = findings.seconds
    disturber = Disturber(run, service, storage.faults(), seconds / 4)
    sampling = asyncio.create_task(_sample(run, service, storage, findings.samples, seconds))
    telling = asyncio.create_task(mix.tell(run, options.seed))
    disturbing = asyncio.create_task(disturber.disturb(max(SHORTEST_FAULT, seconds / FAULTS)))
    findings.disturbances = disturber.done
    tasks = [telling, sampling, disturbing]
    await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    run.ending.set()
    async with asyncio.timeout(FINISHING_SECONDS):
        await asyncio.gather(*tasks)


async def _sample(
    run: Soak,
    service: Service,
    storage: SQLiteStorage | PostgreSQLStorage,
    taken: list[Sample],
    seconds: float,
) -> None:
    pause = max(SHORTEST_SAMPLE, seconds / SAMPLES)
    while not run.ending.is_set():
        sample = await asyncio.to_thread(samples.take, service, storage, run.tally.began)
        if sample is not None:
            taken.append(sample)
        await asyncio.sleep(pause)


def _kind(storage: SQLiteStorage | PostgreSQLStorage) -> str:
    return "SQLite" if isinstance(storage, SQLiteStorage) else "PostgreSQL"


def _tracebacks(log: Path) -> int:
    with log.open(encoding="utf-8", errors="replace") as lines:
        return sum(line.startswith("Traceback") for line in lines)


def main() -> None:
    """Read the options, run, and print the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=1.0, help="how long (%(default)s)")
    parser.add_argument("--rate", type=float, default=120.0, help="calls a second (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="of `astakos serve` (%(default)s)")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of its own")
    parser.add_argument("--folder", type=Path, help="where the files go, which is made (a temporary one)")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    forget_proxies()
    if options.folder is None:
        options.folder = Path(tempfile.mkdtemp(prefix="astakos-soak-"))
    options.folder = options.folder.resolve()
    options.folder.mkdir(parents=True, exist_ok=True)
    if any(options.folder.iterdir()):
        parser.error(f"{options.folder} is not empty")
    print(f"seed {options.seed}; files in {options.folder}", file=sys.stderr)
    began = time.monotonic()
    opened = postgresql_storage() if options.postgresql else sqlite_storage(options.folder)
    with opened as storage:
        try:
            findings = asyncio.run(soak(storage, options))
        except ServiceFailedError as error:
            sys.exit(f"After {time.monotonic() - began:.0f} s: {error}")
    print(report.write(findings, options.folder))
    sys.exit(1 if findings.problems() else 0)


if __name__ == "__main__":
    main()
