"""The end of a soak: whether what the database has is what was acknowledged, no more and no less."""

import contextlib
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection
from benchmarks.child_process import ASTAKOS
from benchmarks.population import COMPONENT_TOKEN
from benchmarks.soak.book import NAME, UNKNOWN, Book, Fate, Verdict
from benchmarks.soak.installation import RESOURCES
from benchmarks.wire import fetch

MOST_TOLD = 20
"""So many problems of one kind are told; all are counted."""
DOCTOR_SECONDS = 1800
STATEMENT = """
SELECT serial, name, NULL, provisions FROM pending_commissions
UNION ALL
SELECT serial, name, verdict, provisions FROM resolved_commissions
"""
HolderKey = tuple[str, str | None, str]


class Books(NamedTuple):
    """What the check has found.

    Attributes:
        asked, acknowledged, stored: commissions.
        unanswered_stored: those nobody waited for, that are there.
        unknown: settled quantities that the client could not know, and took from the database.
        resolutions: accepted, rejected or expired as they had to be.
        problems: what does not agree; the first ones of each kind.
        wrong: how many problems there are.
    """

    asked: int
    acknowledged: int
    stored: int
    unanswered_stored: int
    unknown: int
    resolutions: int
    problems: list[str]
    wrong: int


class _Check:
    def __init__(self, book: Book) -> None:
        self.book = book
        self.times = bytearray(len(book))
        self.sums: Counter[HolderKey] = Counter()
        """What the client's log says that was settled on each holding."""
        self.stored_sums: Counter[HolderKey] = Counter()
        self.resolutions = 0
        self.unknown = 0
        self.kinds: Counter[str] = Counter()
        self.told: list[str] = []

    def problem(self, kind: str, what: str) -> None:
        self.kinds[kind] += 1
        if self.kinds[kind] <= MOST_TOLD:
            self.told.append(f"{kind}: {what}")

    def row(
        self, serial: int, number: int, verdict: str | None, listed: list[tuple[HolderKey, int, int]]
    ) -> None:
        """Holds one stored commission against the log."""
        book = self.book
        self.times[number] = min(self.times[number] + 1, 255)
        name = f"commission {number} (serial {serial})"
        if book.serials[number] not in {0, serial}:
            self.problem("another serial", f"{name} was acknowledged as {book.serials[number]}")
        wanted = Verdict(book.verdicts[number])
        if wanted is Verdict.EXPIRED or book.acknowledged[number]:
            if verdict != wanted.name:
                self.problem("another verdict", f"{name} is {verdict}, not {wanted.name}")
            self.resolutions += 1
        elif verdict is not None and verdict != wanted.name:
            self.problem("another verdict", f"{name} is {verdict}, and nobody has asked for that")
        for key, _, settled in listed:
            self.stored_sums[key] += settled
        charge = book.charge(number)
        own = {(holder, source, RESOURCES[charge.resource]) for holder, source in charge.holdings()}
        amounts = {key: settled for key, _, settled in listed if key in own}
        if set(amounts) != own:
            self.problem("another holding", f"{name} charges {sorted(map(str, amounts))}")
        known = book.settled[number]
        if known == UNKNOWN:
            self.unknown += 1
        elif any(settled != known for settled in amounts.values()):
            self.problem("another quantity", f"{name} settled for {amounts}, not {known}")
        for key in own:
            self.sums[key] += amounts.get(key, 0) if known == UNKNOWN else known

    def missing(self) -> None:
        """Each acknowledged commission exactly once, no refused one, and no other one twice."""
        for number, times in enumerate(self.times):
            fate = Fate(self.book.fates[number])
            if fate is Fate.ISSUED and times != 1:
                self.problem("not once", f"commission {number} was acknowledged and is there {times} times")
            elif fate is Fate.REFUSED and times:
                self.problem("refused, but there", f"commission {number}")
            elif times > 1:
                self.problem("not once", f"commission {number} is there {times} times")

    def found(self) -> Books:
        fates = self.book.fates
        unanswered = sum(
            1 for number, times in enumerate(self.times) if times and fates[number] == Fate.UNANSWERED
        )
        acknowledged = fates.tobytes().count(Fate.ISSUED)
        stored = len(self.times) - self.times.count(0)
        return Books(
            asked=len(self.book),
            acknowledged=acknowledged,
            stored=stored,
            unanswered_stored=unanswered,
            unknown=self.unknown,
            resolutions=self.resolutions,
            problems=self.told,
            wrong=self.kinds.total(),
        )


def check_books(url: str, book: Book, reported: Mapping[HolderKey, int]) -> Books:
    """Compares the log with the tables, and both with what the service reports.

    Args:
        url: of the database; the service may run.
        book: the log.
        reported: the usage by holder, source and resource (`reported_usage`).
    """
    check = _Check(book)
    database = database_of(url)
    database.open()
    with contextlib.closing(database), contextlib.closing(database.connect()) as connection:
        holdings = {
            identifier: ((holder, source or None, resource), settled)
            for identifier, holder, source, resource, settled in connection.execute(
                "SELECT id, holder, source, resource, settled FROM holdings"
            ).fetchall()
        }
        for serial, name, verdict, listed in _commissions(connection, lambda row: holdings[row][0]):
            number = int(name.removeprefix(NAME)) if name.startswith(NAME) else UNKNOWN
            if 0 <= number < len(book):
                check.row(serial, number, verdict, listed)
            else:
                check.problem("nobody's commission", f"{name!r} (serial {serial})")
    check.missing()
    _compare_sums(check, dict(holdings.values()), reported)
    return check.found()


def _commissions(
    connection: Connection, key_of: Callable[[int], HolderKey]
) -> Iterator[tuple[int, str, str | None, list[tuple[HolderKey, int, int]]]]:
    for serial, name, verdict, document in connection.execute(STATEMENT):
        stored = json.loads(document)
        rows = stored if isinstance(stored, list) else stored["provisions"]
        listed = [(key_of(row[0]), row[1], row[2] if verdict is not None else 0) for row in rows]
        yield serial, name, verdict, listed


def _compare_sums(
    check: _Check, holdings: Mapping[HolderKey, int], reported: Mapping[HolderKey, int]
) -> None:
    for key, settled in holdings.items():
        if check.stored_sums[key] != settled:
            check.problem(
                "sums", f"{key} has settled {settled}, and its commissions {check.stored_sums[key]}"
            )
        if key[2] in RESOURCES and not key[0].startswith("key:") and check.sums[key] != settled:
            check.problem("sums", f"{key} has settled {settled}, and the log says {check.sums[key]}")
    for key, usage in reported.items():
        if key[2] in RESOURCES and usage != check.sums[key]:
            check.problem("reports", f"{key}: usage {usage}, and the log says {check.sums[key]}")


def reported_usage(port: int) -> dict[HolderKey, int]:
    """What the service says that users and projects have used. Nothing may be pending any more."""
    users = json.loads(fetch(port, "GET", "/account/v1.0/service_quotas", COMPONENT_TOKEN))
    projects = json.loads(fetch(port, "GET", "/account/v1.0/service_project_quotas", COMPONENT_TOKEN))
    usage: dict[HolderKey, int] = {}
    for user, sources in users.items():
        for project, resources in sources.items():
            for resource, figures in resources.items():
                usage[f"user:{user}", f"project:{project}", resource] = figures["usage"]
    for project, resources in projects.items():
        for resource, figures in resources.items():
            usage[f"project:{project}", None, resource] = figures["project_usage"]
    return usage


def ask_doctor(environment: Mapping[str, str], port: int) -> tuple[int, Any]:
    """The exit status and the findings of `astakos doctor` about the running service."""
    done = subprocess.run(
        [*ASTAKOS, "doctor", "--json", "--url", f"http://127.0.0.1:{port}"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=DOCTOR_SECONDS,
    )
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, done.stdout + done.stderr
