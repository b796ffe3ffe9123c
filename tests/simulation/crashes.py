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
import os
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from simulation.killed_installation import fill
from simulation.records import Audit, Call, Tables, Wish, int_of, random_wish, request_of, take_in
from simulation.serving import COMMISSIONS, Server, UnexpectedAnswerError, post

CLIENTS = 6
SHORTEST, LONGEST = 0.15, 0.5


@dataclass
class Tally:
    """What a run has seen."""

    kills: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    of_these_stored: int = 0
    resolutions: int = 0
    drawn: int = 0
    """What was used of grants."""


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
        wishes = [random_wish(self.random, f"{key}-{number}") for number in range(count)]
        call = Call(key, wishes, bulk=count > 1)
        self.calls.append(call)
        path, body = request_of(call)
        take_in(call, *post(connection, path, body, key))
        self.open += [wish for wish in wishes if not wish.auto_accept]

    def resolve(self, connection: http.client.HTTPConnection) -> None:
        wish = self.open.pop(self.random.randrange(len(self.open)))
        wish.decide(self.random)
        status, _, _ = post(connection, f"{COMMISSIONS}/{wish.serial}/action", wish.action())
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


class Run:
    """Round after round on one file."""

    def __init__(self, path: Path, seed: int, tell: Callable[[str], object] = lambda _: None) -> None:
        self.path = path
        self.random = random.Random(seed)
        self.tell = tell
        self.tally = Tally()
        self.calls: list[Call] = []
        self.audit = Audit()
        database = SQLiteDatabase(f"sqlite:///{path}")
        fill(database)
        database.close()

    def rounds(self, count: int) -> Tally:
        unanswered: list[Call] = []
        for number in range(count + 1):
            server = Server(f"sqlite:///{self.path}")
            try:
                self.repeat(server, unanswered)
                if number == count:
                    break
                made = self.disturb(server, number)
            finally:
                server.kill()
            self.calls += made
            tables = self.tables()
            for call in made:
                self.audit.check(tables, call)
            self.audit.check_figures(tables)
            self.audit.check_serials(tables)
            unanswered = [call for call in made if not call.acknowledged]
            self.tally.kills += 1
            self.tally.acknowledged += len(made) - len(unanswered)
            self.tally.unanswered += len(unanswered)
            self.tell(f"kill {self.tally.kills}: {len(made)} issues, {len(unanswered)} without an answer")
        tables = self.tables()
        for call in self.calls:
            self.audit.check(tables, call)
        assert sum(map(len, tables.names.values())) == sum(len(call.wishes) for call in self.calls)
        self.tally.drawn = sum(
            figures.usage_min for key, figures in tables.figures.items() if "/grant-" in key.resource
        )
        return self.tally

    def tables(self) -> Tables:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return Tables(connection)

    def disturb(self, server: Server, number: int) -> list[Call]:
        """Lets the clients work for a moment, kills the service under them, and sees what they know."""
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

    def repeat(self, server: Server, unanswered: list[Call]) -> None:
        """Asks again for what has no answer: it is found or made, and is there once."""
        before = self.tables().names
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
        status, _, _ = server.post(f"{COMMISSIONS}/{wish.serial}/action", wish.action())
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
