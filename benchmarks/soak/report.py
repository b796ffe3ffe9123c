"""What a soak has found: files of figures, a picture, and one page that says whether all is well."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.soak.chart import Panel, Points, draw
from benchmarks.soak.checking import Books
from benchmarks.soak.drift import Line, fit
from benchmarks.soak.faults import Disturbance
from benchmarks.soak.samples import Sample
from benchmarks.soak.tally import CALM, Tally

MEBIBYTE = 2**20
MEMORY_ALLOWANCE = 4.0
FILES_ALLOWANCE, THREADS_ALLOWANCE = 8.0, 4.0
JUDGED_SECONDS = 1200.0
"""Shorter runs show how the processes warm up, and not whether they grow."""
MOST_PROBLEMS = 50
MILLISECONDS = 1000


@dataclass
class Findings:
    """All that is reported.

    Attributes:
        what: which service and which database.
        seconds: how long the load lasted.
        doctor: the exit status of `astakos doctor`, and what it found.
        deliveries: webhooks that were received.
        traces: lines of the service's log that begin a traceback.
    """

    what: str
    seconds: float
    tally: Tally
    samples: list[Sample] = field(default_factory=list)
    disturbances: list[Disturbance] = field(default_factory=list)
    books: Books | None = None
    doctor: tuple[int, Any] = (0, None)
    deliveries: int = 0
    traces: int = 0

    def memory(self) -> dict[str, Points]:
        """Private memory over time by purpose of the process, in MiB, and that of all."""
        purposes = dict.fromkeys(purpose for sample in self.samples for purpose in sample.private)
        lines: dict[str, Points] = {"all, resident": self.line(lambda sample: sample.resident / MEBIBYTE)}
        for purpose in purposes:
            lines[f"{purpose}, private"] = [
                (sample.at, sample.private[purpose] / MEBIBYTE)
                for sample in self.samples
                if purpose in sample.private
            ]
        return lines

    def line(self, value: Callable[[Sample], float]) -> Points:
        """A figure over time."""
        return [(sample.at, value(sample)) for sample in self.samples]

    def trends(self) -> dict[str, tuple[Line | None, float, str]]:
        """What must not grow: its line, what it may gain in half the run, and its unit."""
        memory = {name: (fit(points), MEMORY_ALLOWANCE, "MiB") for name, points in self.memory().items()}
        return {
            **memory,
            "open files": (fit(self.line(lambda sample: sample.files)), FILES_ALLOWANCE, ""),
            "threads": (fit(self.line(lambda sample: sample.threads)), THREADS_ALLOWANCE, ""),
        }

    def problems(self) -> list[str]:
        """Everything that is not as it must be; empty if the soak has passed."""
        found = [f"{count} × {what}" for what, count in self.tally.problems.items()]
        found += [
            f"{count} × {kind}: {what}, with no fault"
            for (fault, kind, what), count in self.tally.errors.items()
            if fault == CALM
        ]
        trends = self.trends() if self.seconds >= JUDGED_SECONDS else {}
        for name, (line, allowance, unit) in trends.items():
            if line is not None and line.has_drifted(allowance):
                found.append(f"{name} grew by {line.gain:.1f} {unit} in the second half".replace("  ", " "))
        if self.books is None:
            found.append("the books were not checked")
        else:
            found += self.books.problems
        if self.doctor[0]:
            found.append(f"astakos doctor ended with status {self.doctor[0]}: {self.doctor[1]}")
        if self.traces:
            found.append(f"{self.traces} tracebacks in the log of the service")
        return found


def write(findings: Findings, folder: Path) -> str:
    """Writes all files into a folder; returns the page."""
    _write_samples(findings, folder / "samples.csv")
    _write_latencies(findings.tally, folder / "latencies.csv")
    _write_errors(findings.tally, folder / "errors.csv")
    _rows(folder / "faults.csv", Disturbance._fields, findings.disturbances)
    (folder / "soak.svg").write_text(_picture(findings), encoding="utf-8")
    page = _page(findings)
    (folder / "summary.md").write_text(page, encoding="utf-8")
    return page


def _rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def _write_samples(findings: Findings, path: Path) -> None:
    purposes = list(dict.fromkeys(purpose for sample in findings.samples for purpose in sample.private))
    columns = [
        "seconds",
        "resident_bytes",
        *(f"{purpose}_private_bytes" for purpose in purposes),
        "open_files",
        "threads",
        "cpu_seconds",
        "database_bytes",
        "log_bytes",
    ]
    rows = (
        (
            f"{sample.at:.1f}",
            sample.resident,
            *(sample.private.get(purpose, 0) for purpose in purposes),
            sample.files,
            sample.threads,
            f"{sample.cpu:.2f}",
            sample.database,
            sample.log,
        )
        for sample in findings.samples
    )
    _rows(path, columns, rows)


def _write_latencies(tally: Tally, path: Path) -> None:
    rows = (
        (
            f"{interval.begin:.0f}",
            kind,
            latencies.total,
            *(f"{latencies.quantile(share) * MILLISECONDS:.2f}" for share in (0.5, 0.99)),
            f"{latencies.longest * MILLISECONDS:.2f}",
        )
        for interval in tally.intervals
        for kind, latencies in sorted(interval.latencies.items())
    )
    _rows(path, ["seconds", "kind", "calls", "p50_ms", "p99_ms", "longest_ms"], rows)


def _write_errors(tally: Tally, path: Path) -> None:
    rows = ((*key, count) for key, count in sorted(tally.errors.items()))
    _rows(path, ["fault", "kind", "instead_of_the_answer", "count"], rows)


def _picture(findings: Findings) -> str:
    intervals = findings.tally.intervals
    end = max(findings.seconds, intervals[-1].begin)

    def of_kind(kind: str, share: float) -> Points:
        return [
            (interval.begin, interval.latencies[kind].quantile(share) * MILLISECONDS)
            for interval in intervals
            if kind in interval.latencies
        ]

    kinds = ("issue", "spend", "authenticate", "quotas", "page")
    size = [
        (name, findings.line(value))
        for name, value in (
            ("database", lambda sample: sample.database / MEBIBYTE),
            ("write-ahead log", lambda sample: sample.log / MEBIBYTE),
        )
    ]
    panels = [
        Panel("Memory", "MiB", findings.memory()),
        Panel(
            "Open files and threads",
            "",
            {
                "open files": findings.line(lambda sample: sample.files),
                "threads": findings.line(lambda sample: sample.threads),
            },
        ),
        Panel("Median latency", "ms", {kind: of_kind(kind, 0.5) for kind in kinds}),
        Panel("99th percentile of latency", "ms", {kind: of_kind(kind, 0.99) for kind in kinds}),
        Panel(
            "Calls that were not answered as they should have been",
            "",
            {"in each interval": [(interval.begin, interval.errors) for interval in intervals]},
        ),
        Panel("On disk", "MiB", dict(size)),
    ]
    return draw(panels, [(one.at, one.name) for one in findings.disturbances], end)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _page(findings: Findings) -> str:
    tally = findings.tally
    problems = findings.problems()
    lines = [
        f"# Soak: {findings.what}",
        "",
        f"**{'There are problems.' if problems else 'Nothing drifted and nothing was lost.'}**",
        "",
        f"- {findings.seconds / 60:.1f} minutes, {len(findings.disturbances)} faults",
        f"- {tally.calls:,} answers, {tally.calls / max(findings.seconds, 1):.0f} a second",
        "",
        "",
        *(f"- {problem}" for problem in problems[:MOST_PROBLEMS]),
        *([f"- … and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []),
        "",
        *_table(("where", ""), machine.describe()),
        "## What must not grow, in the second half",
        "",
        *_table(
            ("", "level", "slope per hour", "of the last quarter", "gain"),
            [
                (name, *(f"{value:,.2f} {unit}".strip() for value in line))
                for name, (line, _, unit) in findings.trends().items()
                if line is not None
            ],
        ),
        "## Faults",
        "",
        *_table(("fault", "times", "longest recovery, s", "what clients saw"), _fault_rows(findings)),
        "## Latency while there was no fault, ms",
        "",
        *_table(
            ("call", "calls", "p50", "p99", "longest"),
            [
                (
                    kind,
                    f"{one.total:,}",
                    *(
                        f"{seconds * MILLISECONDS:.1f}"
                        for seconds in (*map(one.quantile, (0.5, 0.99)), one.longest)
                    ),
                )
                for kind, one in sorted(tally.calm.items())
            ],
        ),
        *_books(findings),
    ]
    return "\n".join(lines)


def _fault_rows(findings: Findings) -> list[tuple[str, str, str, str]]:
    rows = []
    for name in dict.fromkeys(one.name for one in findings.disturbances):
        ones = [one for one in findings.disturbances if one.name == name]
        seen: Counter[str] = Counter()
        for (fault, _, what), count in findings.tally.errors.items():
            if fault == name:
                seen[what] += count
        told = ", ".join(f"{count} × {what}" for what, count in seen.most_common()) or "nothing"
        rows.append((name, str(len(ones)), f"{max(one.recovery for one in ones):.2f}", told))
    return rows


def _books(findings: Findings) -> list[str]:
    lines = ["## Books", ""]
    books = findings.books
    if books is not None:
        lines += [
            f"- {books.asked:,} commissions were asked for, and {books.acknowledged:,} acknowledged.",
            f"- {books.stored:,} are stored, {books.unanswered_stored:,} of them for clients who were gone.",
            f"- {books.resolutions:,} ended as they had to.",
            f"- {books.unknown:,} settled quantities are taken from the tables: the answer was lost.",
            f"- {books.wrong} differences between the client's log, the tables and the service's reports",
        ]
    lines.append(f"- `astakos doctor`: status {findings.doctor[0]}.")
    lines.append(f"- {findings.deliveries:,} webhooks received.")
    if findings.samples:
        last = findings.samples[-1]
        log = max(sample.log for sample in findings.samples)
        lines.append(
            f"- The database has {last.database / MEBIBYTE:,.1f} MiB at the end; "
            f"its write-ahead log had at most {log / MEBIBYTE:,.1f} MiB."
        )
    return [*lines, ""]
