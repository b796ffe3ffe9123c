"""A real service, killed again and again while clients write to it; after each kill the file tells the truth.

The tests run some rounds of it. By hand, for hours, from the root of the repository:

    PYTHONPATH=src:tests python -m simulation.crashes --rounds 500 [--seed 7] [--folder DIRECTORY]

Each client keeps a record of what it asked for and of what was acknowledged. After the kill the tables are
read directly: what was acknowledged is there, what was not is there whole or not at all, and all figures add
up. Then the service is started on the same file, and what got no answer is asked for again, with its key.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from astakos import clock
from astakos.administration.document import ComponentEntry, StateDocument
from astakos.administration.load import load
from astakos.ledger.rules import UNLIMITED, Key
from astakos.storage.sqlite import SQLiteDatabase
from service.stored import stored_commissions
from simulation.comparison import check_sums, read_figures
from simulation.worlds import write_limits

TOKEN = "a-token-of-the-simulation"
COMMISSIONS = "/account/v1.0/commissions"
CLIENTS = 6
SHORTEST, LONGEST = 0.15, 0.5
HOLDINGS = tuple(
    key
    for number in range(4)
    for key in (
        Key(f"user:{number}", f"project:{number % 2}", "vm"),
        Key(f"project:{number % 2}", None, "vm"),
    )
)


@dataclass
class Wish:
    """A commission that a client wants, and what it knows of it."""

    name: str
    provisions: list[tuple[Key, int]]
    auto_accept: bool = False
    serial: int | None = None
    asked: str | None = None
    """Which resolution was asked for."""
    resolved: bool = False
    """Whether that was acknowledged."""

    def body(self) -> dict[str, Any]:
        provisions = [{**key._asdict(), "quantity": quantity} for key, quantity in self.provisions]
        return {"name": self.name, "provisions": provisions, "auto_accept": self.auto_accept}


@dataclass
class Call:
    """An issue with an idempotency key: of one commission, or of several in one call."""

    key: str
    wishes: list[Wish]
    bulk: bool = False
    acknowledged: bool = False


@dataclass
class Tally:
    """What a run has seen."""

    kills: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    of_these_stored: int = 0
    resolutions: int = 0


class UnexpectedAnswerError(Exception):
    """An answer that can not be right."""


class Server:
    """The service as a process of its own, on a port that is free."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "astakos.cli", "serve", "--port", "0", "--database", f"sqlite:///{path}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("astakos is ready at "):
            self.kill()
            raise UnexpectedAnswerError(f"the service did not start: {line!r}")
        self.port = urlsplit(line.split()[-1]).port

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def post(self, path: str, body: Any, key: str | None = None) -> tuple[int, Any, str | None]:
        """One call on a connection of its own; for what is repeated after a crash."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            return post(connection, path, body, key)


def post(
    connection: http.client.HTTPConnection, path: str, body: Any, key: str | None = None
) -> tuple[int, Any, str | None]:
    """The status, the document, and whether it was a repetition."""
    headers = {"X-Auth-Token": TOKEN, "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status == 503:
        # Its engine was killed first; this says as little about what has happened as a cut connection.
        raise ConnectionError(text)
    return answer.status, json.loads(text) if text else None, answer.headers.get("Idempotency-Replayed")


class Client(threading.Thread):
    """Issues and resolves as fast as it can until the service is gone."""

    def __init__(self, server: Server, prefix: str, seed: int) -> None:
        super().__init__(name=prefix)
        self.server = server
        self.prefix = prefix
        self.random = random.Random(seed)
        self.calls: list[Call] = []
        self.open: list[Wish] = []
        self.answered = 0
        self.problem: Exception | None = None

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        try:
            while True:
                self.act(connection)
                self.answered += 1
        except (OSError, http.client.HTTPException):
            pass  # it was killed; what was asked for last has no answer
        except Exception as error:  # noqa: BLE001 - told by the main thread
            self.problem = error
        finally:
            connection.close()

    def act(self, connection: http.client.HTTPConnection) -> None:
        chance = self.random.random()
        if self.open and chance < 0.45:
            self.resolve(connection)
        elif len(self.open) > 3 and chance < 0.5:
            self.resolve_many(connection)
        else:
            self.issue(connection, self.random.choice([2, 5]) if chance > 0.9 else 1)

    def issue(self, connection: http.client.HTTPConnection, count: int) -> None:
        key = f"{self.prefix}-{len(self.calls)}"
        wishes = [self.wish(f"{key}-{number}") for number in range(count)]
        call = Call(key, wishes, bulk=count > 1)
        self.calls.append(call)
        path, body = request_of(call)
        take_in(call, *post(connection, path, body, key))
        self.open += [wish for wish in wishes if not wish.auto_accept]

    def wish(self, name: str) -> Wish:
        user = self.random.choice(HOLDINGS[::2])
        assert user.source is not None
        quantity = self.random.choice([1, 2, 3, 5, 8])
        both = [(user, quantity), (Key(user.source, None, "vm"), quantity)]
        return Wish(name, both, auto_accept=self.random.random() < 0.2)

    def resolve(self, connection: http.client.HTTPConnection) -> None:
        wish = self.open.pop(self.random.randrange(len(self.open)))
        wish.asked = self.random.choice(["accept", "reject"])
        status, _, _ = post(connection, f"{COMMISSIONS}/{wish.serial}/action", {wish.asked: ""})
        if status != 200:
            raise UnexpectedAnswerError(f"{wish.asked} of {wish} was answered by {status}")
        wish.resolved = True

    def resolve_many(self, connection: http.client.HTTPConnection) -> None:
        wishes, self.open = self.open, []
        for wish in wishes:
            wish.asked = self.random.choice(["accept", "reject"])
        lists = {
            verdict: [wish.serial for wish in wishes if wish.asked == verdict]
            for verdict in ("accept", "reject")
        }
        status, document, _ = post(connection, f"{COMMISSIONS}/action", lists)
        right = {
            "accepted": sorted(map(int_of, lists["accept"])),
            "rejected": sorted(map(int_of, lists["reject"])),
        }
        if status != 200 or document != {**right, "failed": []}:
            raise UnexpectedAnswerError(f"{lists} was answered by {status} {document}")
        for wish in wishes:
            wish.resolved = True


def int_of(serial: int | None) -> int:
    assert serial is not None
    return serial


def request_of(call: Call) -> tuple[str, Any]:
    if call.bulk:
        return f"{COMMISSIONS}/bulk", {"commissions": [wish.body() for wish in call.wishes]}
    return COMMISSIONS, call.wishes[0].body()


def take_in(call: Call, status: int, document: Any, _replayed: str | None) -> None:
    """Note the serials that an issue was answered with."""
    if status != (200 if call.bulk else 201):
        raise UnexpectedAnswerError(f"{call.key} was answered by {status} {document}")
    results = [result["body"] for result in document["results"]] if call.bulk else [document]
    for wish, result in zip(call.wishes, results, strict=True):
        wish.serial = result["serial"]
    call.acknowledged = True


class Tables:
    """What stands in the file, read without the service."""

    def __init__(self, path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            (self.integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
            self.names: dict[str, list[int]] = {}
            self.verdicts: dict[int, str | None] = {}
            self.provisions: dict[int, list[tuple[Key, int, int | None]]] = {}
            for serial, commission in stored_commissions(connection).items():
                self.names.setdefault(commission.name, []).append(serial)
                self.verdicts[serial] = commission.verdict
                self.provisions[serial] = [provision[:3] for provision in commission.provisions]
            self.keys: dict[str, int] = dict(connection.execute("SELECT key, serial FROM idempotency_keys"))
            check_sums(connection)
            self.figures = read_figures(connection)


class Run:
    """Round after round on one file."""

    def __init__(self, path: Path, seed: int, tell: Callable[[str], object] = lambda _: None) -> None:
        self.path = path
        self.random = random.Random(seed)
        self.tell = tell
        self.tally = Tally()
        self.calls: list[Call] = []
        self.largest_serial = 0
        self.serials: dict[int, str] = {}
        database = SQLiteDatabase(f"sqlite:///{path}")
        database.open()
        component = ComponentEntry(name="compute", token=TOKEN)
        load(database, StateDocument(components=[component]), clock.now())
        with contextlib.closing(database.connect()) as connection:
            write_limits(connection, dict.fromkeys(HOLDINGS, UNLIMITED))
        database.close()

    def rounds(self, count: int) -> Tally:
        unanswered: list[Call] = []
        for number in range(count + 1):
            server = Server(self.path)
            try:
                self.repeat(server, unanswered)
                if number == count:
                    break
                made = self.disturb(server, number)
            finally:
                server.kill()
            self.calls += made
            tables = Tables(self.path)
            for call in made:
                self.check(tables, call)
            self.check_figures(tables)
            self.check_serials(tables)
            unanswered = [call for call in made if not call.acknowledged]
            self.tally.kills += 1
            self.tally.acknowledged += len(made) - len(unanswered)
            self.tally.unanswered += len(unanswered)
            self.tell(f"kill {self.tally.kills}: {len(made)} issues, {len(unanswered)} without an answer")
        tables = Tables(self.path)
        for call in self.calls:
            self.check(tables, call)
        assert sum(map(len, tables.names.values())) == sum(len(call.wishes) for call in self.calls)
        return self.tally

    def disturb(self, server: Server, number: int) -> list[Call]:
        """Let the clients work for a moment, kill the service under them, and see what they know."""
        clients = [
            Client(server, f"{number}-{place}", self.random.getrandbits(64)) for place in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        time.sleep(self.random.uniform(SHORTEST, LONGEST))
        server.kill()
        for client in clients:
            client.join(30)
            assert not client.is_alive(), "a client hangs"
            if client.problem is not None:
                raise client.problem
        return [call for client in clients for call in client.calls]

    def check(self, tables: Tables, call: Call) -> None:
        """One call against the tables: acknowledged is there; else all of it is there or nothing is."""
        there = [wish for wish in call.wishes if wish.name in tables.names]
        assert there in ([], call.wishes), f"half of {call} is there"
        assert there or not call.acknowledged, f"{call} was acknowledged and is lost"
        for position, wish in enumerate(call.wishes):
            key = f"{call.key}\n{position}" if call.bulk else call.key
            serials = tables.names.get(wish.name, [])
            assert len(serials) == bool(there), f"{wish} is there {len(serials)} times"
            assert tables.keys.get(key) == (serials[0] if serials else None), f"the key of {wish}"
            if serials:
                self.check_wish(tables, wish, serials[0])

    def check_wish(self, tables: Tables, wish: Wish, serial: int) -> None:
        assert wish.serial in {None, serial}, f"{wish} has the serial {serial}"
        verdict = tables.verdicts[serial]
        asked = "accept" if wish.auto_accept else wish.asked
        wanted = None if asked is None else asked.upper()
        if wish.auto_accept or wish.resolved:
            assert verdict == wanted, f"{wish} was acknowledged, but is {verdict}"
        else:
            assert verdict in {None, wanted}, f"{wish} is {verdict}"
        settled: Callable[[int], int | None] = {
            None: lambda _: None,
            "ACCEPT": lambda quantity: quantity,
            "REJECT": lambda _: 0,
        }[verdict]
        right = {(key, quantity, settled(quantity)) for key, quantity in wish.provisions}
        assert set(tables.provisions[serial]) == right, f"the provisions of {wish}"

    def check_figures(self, tables: Tables) -> None:
        """check_sums has seen that each holding is what its provisions add up to; and both levels agree."""
        assert tables.integrity == "ok"
        for key, (limit, usage_min, usage_max) in tables.figures.items():
            assert 0 <= usage_min <= usage_max <= limit == UNLIMITED
            if key.source is None:
                members = [
                    figures for member, figures in tables.figures.items() if member.source == key.holder
                ]
                assert usage_min == sum(figures.usage_min for figures in members), "invariant 10"
                assert usage_max == sum(figures.usage_max for figures in members), "invariant 10"

    def check_serials(self, tables: Tables) -> None:
        """A serial once seen keeps its meaning, and new ones are larger than all before."""
        for name, serials in tables.names.items():
            for serial in serials:
                if serial not in self.serials:
                    assert serial > self.largest_serial, f"the serial {serial} of {name} is an old one"
                    self.serials[serial] = name
                assert self.serials[serial] == name, f"the serial {serial} was given out twice"
        self.largest_serial = max(self.serials, default=0)

    def repeat(self, server: Server, unanswered: list[Call]) -> None:
        """Ask again for what has no answer: it is found or made, and is there once."""
        before = Tables(self.path).names
        for call in unanswered:
            stored = call.wishes[0].name in before
            path, body = request_of(call)
            status, document, replayed = server.post(path, body, call.key)
            take_in(call, status, document, replayed)
            self.tally.of_these_stored += stored
            if not call.bulk:
                assert replayed == ("true" if stored else "false"), f"{call}: {replayed}"
                again = server.post(path, body, call.key)
                assert again == (201, document, "true")
        for call in self.calls:
            for wish in call.wishes:
                if wish.asked and not wish.resolved:
                    self.resolve_again(server, wish)

    def resolve_again(self, server: Server, wish: Wish) -> None:
        """Whether or not it came through before, afterwards it is resolved as was asked."""
        status, _, _ = server.post(f"{COMMISSIONS}/{wish.serial}/action", {wish.asked: ""})
        assert status in {200, 404}, f"{wish} is answered by {status}"
        wish.resolved = True
        self.tally.resolutions += 1


@contextlib.contextmanager
def folder_for(given: str | None) -> Iterator[Path]:
    if given is not None:
        Path(given).mkdir(parents=True, exist_ok=True)
        yield Path(given)
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=100, help="how often to kill")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--folder", help="where to keep the database; else it is thrown away")
    arguments = parser.parse_args()
    sys.stdout.write(f"seed {arguments.seed}\n")
    with folder_for(arguments.folder) as folder:
        path = folder / "crashes.db"
        if path.exists():
            parser.error(f"{path} is there already")
        tally = Run(path, arguments.seed, lambda line: sys.stdout.write(line + "\n")).rounds(arguments.rounds)
    sys.stdout.write(f"{tally}\n")


if __name__ == "__main__":
    main()
