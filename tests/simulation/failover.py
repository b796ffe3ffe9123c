"""Two services on a primary and its synchronous standby; the primary dies under load, again and again.

The tests run a round or two of it. By hand, from the root of the repository:

    PYTHONPATH=src:tests python -m simulation.failover --rounds 50 [--seed 7]

In each round clients work on both services, the primary is killed with all its processes at a random moment,
the standby is promoted, and the clients go on: each repeats what was not answered, with its key, until it is
done or its patience has ended. Then the tables must agree with what the clients were told, and a new standby
is made where the dead primary was.
"""

import argparse
import contextlib
import http.client
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.postgres_server import LOOPBACK, QUICK, PostgresServer, folder_for_server, free_port

from astakos.storage.postgresql import PostgreSQLDatabase
from simulation.crashes import fill
from simulation.records import Audit, Call, Tables, Wish, random_wish, request_of, take_in
from simulation.serving import COMMISSIONS, Server, UnexpectedAnswerError, post

CLIENTS = 3
"""On each of the services."""
PATIENCE_SECONDS = 20.0
"""For how long a client repeats what it wants."""
RESUMED_AFTER_SECONDS = 10.0
CALL_SECONDS = 12.0
PAUSE_SECONDS = 0.05
SETTINGS = {**QUICK, "synchronous_commit": "on", "wal_keep_size": "64MB", "autovacuum": "on"}


class Cluster:
    """Two servers, one of which is the standby of the other."""

    def __init__(self, primary: PostgresServer, standby: PostgresServer) -> None:
        self.primary = primary
        self.standby = standby
        self.url = (
            f"postgresql://postgres@{LOOPBACK}:{primary.port},{LOOPBACK}:{standby.port}/postgres"
            "?target_session_attrs=read-write"
        )
        primary.make()
        primary.start()
        self.make_standby()

    def make_standby(self) -> None:
        """Copy the primary, and let its commits wait for the copy."""
        self.standby.copy(self.primary)
        self.standby.start()
        # After the copy: a standby that took over with this setting would wait for one of its own.
        self.primary.set("synchronous_standby_names", "*")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.primary.execute("SELECT sync_state FROM pg_stat_replication") != [("sync",)]:
            assert time.monotonic() < deadline, "the standby does not follow"
            time.sleep(0.02)

    def lose_primary(self) -> None:
        self.primary.kill()

    def promote(self) -> None:
        """What whoever watches a cluster does when the primary is surely gone."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    def stop(self) -> None:
        self.standby.stop()
        self.primary.stop()


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    with folder_for_server() as first, folder_for_server() as second:
        servers = [PostgresServer(folder, SETTINGS, free_port()) for folder in (first, second)]
        try:
            yield Cluster(*servers)
        finally:
            for server in reversed(servers):
                server.stop()


class Client(threading.Thread):
    """Issues and resolves on one service, and repeats what has failed."""

    def __init__(self, port: int | None, prefix: str, seed: int) -> None:
        super().__init__(name=prefix)
        self.port = port
        self.prefix = prefix
        self.random = random.Random(seed)
        self.calls: list[Call] = []
        self.open: list[Wish] = []
        self.answered: list[tuple[float, float]] = []
        """When something was first asked for, and when it was answered."""
        self.repetitions = 0
        self.longest = 0.0
        self.problem: Exception | None = None
        self.ending = threading.Event()

    def run(self) -> None:
        try:
            while not self.ending.is_set():
                if self.open and self.random.random() < 0.5:
                    self.resolve()
                else:
                    self.issue(self.random.choice([1, 1, 1, 3]))
        except Exception as error:  # noqa: BLE001 - told by the main thread
            self.problem = error

    def issue(self, count: int) -> None:
        key = f"{self.prefix}-{len(self.calls)}"
        wishes = [random_wish(self.random, f"{key}-{number}") for number in range(count)]
        call = Call(key, wishes, bulk=count > 1)
        self.calls.append(call)
        path, body = request_of(call)
        take_in(call, *self.ask(path, body, key)[1:])
        self.open += [wish for wish in wishes if not wish.auto_accept]

    def resolve(self) -> None:
        wish = self.open.pop(self.random.randrange(len(self.open)))
        wish.asked = self.random.choice(["accept", "reject"])
        path = f"{COMMISSIONS}/{wish.serial}/action"
        attempts, status, *_ = self.ask(path, {wish.asked: ""}, None)
        # 404: an attempt whose answer was lost had done it.
        if status != 200 and (status != 404 or attempts == 1):
            raise UnexpectedAnswerError(f"{wish.asked} of {wish} was answered by {status}")
        wish.resolved = True

    def ask(self, path: str, body: Any, key: str | None) -> tuple[int, int, Any, str | None]:
        """How often it had to be asked, and the answer."""
        began = time.monotonic()
        attempts = 0
        while True:
            attempts += 1
            try:
                with contextlib.closing(
                    http.client.HTTPConnection(LOOPBACK, self.port, timeout=CALL_SECONDS)
                ) as connection:
                    answer = post(connection, path, body, key)
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() - began > PATIENCE_SECONDS:
                    raise UnexpectedAnswerError(f"{path} {key} failed to the end: {error}") from error
                self.repetitions += 1
                time.sleep(PAUSE_SECONDS)
                continue
            now = time.monotonic()
            self.answered.append((began, now))
            self.longest = max(self.longest, now - began)
            return attempts, *answer


@dataclass
class Tally:
    """What a run has seen."""

    failovers: int = 0
    acknowledged: int = 0
    repetitions: int = 0
    resumed_after: list[float] = field(default_factory=list)
    """Seconds from each promotion until each service wrote again."""
    longest_call: float = 0.0


class Run:
    """Round after round on one cluster."""

    def __init__(self, cluster: Cluster, seed: int, tell: Callable[[str], object] = lambda _: None) -> None:
        self.cluster = cluster
        self.random = random.Random(seed)
        self.tell = tell
        self.tally = Tally()
        self.audit = Audit()
        self.calls: list[Call] = []
        database = PostgreSQLDatabase(cluster.url)
        fill(database)
        database.close()

    def rounds(self, count: int) -> Tally:
        with contextlib.ExitStack() as stack:
            services: list[Server] = []
            for _ in range(2):
                services.append(Server(self.cluster.url, "--workers", "1"))
                stack.callback(services[-1].kill)
            for number in range(count):
                if number:
                    self.cluster.make_standby()
                self.calls += self.disturb(services, number)
                self.check()
        return self.tally

    def disturb(self, services: Sequence[Server], number: int) -> list[Call]:
        """Let the clients work, and let the primary die under them."""
        clients = [
            Client(service.port, f"{number}-{place}-{which}", self.random.getrandbits(64))
            for place, service in enumerate(services)
            for which in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        time.sleep(self.random.uniform(0.3, 0.8))
        self.cluster.lose_primary()
        time.sleep(self.random.uniform(0.0, 0.5))
        self.cluster.promote()
        promoted = time.monotonic()
        resumed = [self.await_answers([clients[place]], promoted) for place in (0, CLIENTS)]
        self.await_answers(clients, promoted)
        for client in clients:
            client.ending.set()
        for client in clients:
            client.join(2 * PATIENCE_SECONDS)
            assert not client.is_alive(), "a client hangs"
            if client.problem is not None:
                raise client.problem
        tally = self.tally
        tally.failovers += 1
        tally.acknowledged += sum(len(client.calls) for client in clients)
        tally.repetitions += sum(client.repetitions for client in clients)
        tally.resumed_after += resumed
        tally.longest_call = max(tally.longest_call, *(client.longest for client in clients))
        seconds = ", ".join(f"{after:.2f} s" for after in resumed)
        self.tell(f"failover {tally.failovers}: the services resumed after {seconds}")
        return [call for client in clients for call in client.calls]

    def await_answers(self, clients: Sequence[Client], promoted: float) -> float:
        """How long after the promotion all of these had a write answered."""
        deadline = promoted + 2 * PATIENCE_SECONDS
        while time.monotonic() < deadline:
            firsts = [next((end for _, end in client.answered if end > promoted), None) for client in clients]
            found = [first for first in firsts if first is not None]
            if len(found) == len(clients):
                return max(found) - promoted
            for client in clients:
                if client.problem is not None:
                    raise client.problem
            time.sleep(0.01)
        raise AssertionError("a service has not resumed")

    def check(self) -> None:
        """All that was asked for was answered in the end; so each of it is there once, as it was answered."""
        with contextlib.closing(PostgreSQLDatabase(self.cluster.url).connect()) as connection:
            tables = Tables(connection)
        for call in self.calls:
            assert call.acknowledged
            self.audit.check(tables, call)
        assert sum(map(len, tables.names.values())) == sum(len(call.wishes) for call in self.calls)
        self.audit.check_figures(tables)
        self.audit.check_serials(tables)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10, help="how often the primary dies")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = parser.parse_args()
    sys.stdout.write(f"seed {arguments.seed}\n")
    with running_cluster() as cluster:
        run = Run(cluster, arguments.seed, lambda line: sys.stdout.write(line + "\n"))
        tally = run.rounds(arguments.rounds)
    sys.stdout.write(f"{tally}\n")


if __name__ == "__main__":
    main()
