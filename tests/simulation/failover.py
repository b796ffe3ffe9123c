"""Two services on a primary and its synchronous standby; the primary dies under load, again and again.

The tests run a round or two of it. By hand, from the root of the repository:

    PYTHONPATH=src:tests python -m simulation.failover --rounds 50 [--silent] [--seed 7]

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
from typing import Any, NamedTuple

from tools.postgres_server import LOOPBACK, QUICK, PostgresServer, folder_for_server, free_port

from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from simulation.killed_installation import fill
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
        """Copies the primary, and lets its commits wait for the copy."""
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
        wish.decide(self.random)
        path = f"{COMMISSIONS}/{wish.serial}/action"
        attempts, status, *_ = self.ask(path, wish.action(), None)
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


class Endured(NamedTuple):
    """How the services and their clients went through a misfortune."""

    resumed_after: list[float]
    """Seconds from its end until each of the services wrote again."""
    acknowledged: int
    repetitions: int
    longest_call: float


class Load:
    """Clients at work on some services, through one misfortune after the other."""

    def __init__(self, url: str, services: Sequence[Server], seed: int) -> None:
        self.url = url
        self.services = services
        self.random = random.Random(seed)
        self.audit = Audit()
        self.calls: list[Call] = []
        self.rounds = 0

    def endure(self, misfortune: Callable[[], None]) -> Endured:
        """Lets the clients work, lets it happen under them, and sees that they are served again."""
        clients = [
            Client(service.port, f"{self.rounds}-{place}-{which}", self.random.getrandbits(64))
            for place, service in enumerate(self.services)
            for which in range(CLIENTS)
        ]
        self.rounds += 1
        for client in clients:
            client.start()
        try:
            time.sleep(self.random.uniform(0.3, 0.8))
            misfortune()
            over = time.monotonic()
            resumed = [_await_answers([client], over) for client in clients[::CLIENTS]]
            _await_answers(clients, over)
        finally:
            for client in clients:
                client.ending.set()
        for client in clients:
            client.join(2 * PATIENCE_SECONDS)
            assert not client.is_alive(), "a client hangs"
            if client.problem is not None:
                raise client.problem
        made = [call for client in clients for call in client.calls]
        self.calls += made
        self.check()
        repetitions = sum(client.repetitions for client in clients)
        return Endured(resumed, len(made), repetitions, max(client.longest for client in clients))

    def check(self) -> None:
        """All that was asked for was answered in the end; so each of it is there once, as it was answered."""
        with contextlib.closing(PostgreSQLDatabase(self.url).connect()) as connection:
            tables = Tables(connection)
        for call in self.calls:
            assert call.acknowledged
            self.audit.check(tables, call)
        assert sum(map(len, tables.names.values())) == sum(len(call.wishes) for call in self.calls)
        self.audit.check_figures(tables)
        self.audit.check_serials(tables)


def _await_answers(clients: Sequence[Client], over: float) -> float:
    """How long after that moment all of these had a write answered."""
    deadline = over + 2 * PATIENCE_SECONDS
    while time.monotonic() < deadline:
        firsts = [next((end for _, end in client.answered if end > over), None) for client in clients]
        found = [first for first in firsts if first is not None]
        if len(found) == len(clients):
            return max(found) - over
        for client in clients:
            if client.problem is not None:
                raise client.problem
        time.sleep(0.01)
    raise AssertionError("a service has not resumed")


@contextlib.contextmanager
def load_on(url: str, seed: int, services: int = 2) -> Iterator[Load]:
    """Services on a new installation in that database, to be put under load."""
    database = PostgreSQLDatabase(url)
    fill(database)
    database.close()
    with contextlib.ExitStack() as stack:
        started: list[Server] = []
        for _ in range(services):
            started.append(Server(url, "--workers", "1"))
            stack.callback(started[-1].kill)
        yield Load(url, started, seed)


def fail_over(cluster: Cluster, load: Load, *, silently: bool = False) -> Endured:
    """Loses the primary under load, and goes on with its standby.

    Silently, nobody is told: connections to it stay open, and new ones are accepted, but nothing comes.
    """
    lost = cluster.primary

    def misfortune() -> None:
        if silently:
            lost.freeze()
        else:
            cluster.lose_primary()
        time.sleep(load.random.uniform(0.0, 0.5))
        cluster.promote()

    endured = load.endure(misfortune)
    if silently:
        lost.kill()
    return endured


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10, help="how often the primary dies")
    parser.add_argument("--silent", action="store_true", help="without any connection being closed")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = parser.parse_args()
    sys.stdout.write(f"seed {arguments.seed}\n")
    with running_cluster() as cluster, load_on(cluster.url, arguments.seed) as load:
        for number in range(arguments.rounds):
            if number:
                cluster.make_standby()
            endured = fail_over(cluster, load, silently=arguments.silent)
            after = ", ".join(f"{seconds:.2f} s" for seconds in endured.resumed_after)
            sys.stdout.write(
                f"failover {number + 1}: resumed after {after}; {endured.acknowledged} issues acknowledged, "
                f"{endured.repetitions} repetitions, the longest call took {endured.longest_call:.2f} s\n"
            )


if __name__ == "__main__":
    main()
