"""The ledger of another revision beside this checkout's: what a pair of issue and accept costs, without HTTP.

Give a git revision, for example `HEAD~10`. Each checkout works in a process of its own, on a database of its
own, in turns of some milliseconds. Look at the time of the processor, and at the least of it: that hardly
depends on what else the machine does. This checkout takes part twice, and "to itself" is what that tells of
the noise.
"""

import argparse
import contextlib
import itertools
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.postgres_server import PostgresServer, own_server

import astakos
from astakos.directory.tokens import token_hash
from astakos.storage.opening import database_of, ledger_storage
from astakos.storage.tables import registry
from benchmarks import machine
from benchmarks.child_process import source_environment
from benchmarks.garbage import keep_what_is_there
from benchmarks.ledger import engine_step
from benchmarks.population import COMPONENT_TOKEN, USERS, database_url, is_made, make_database
from benchmarks.postgresql_databases import SETTINGS, prepare, url_of
from benchmarks.results import Result, show
from benchmarks.service_times import OF_ENGINE, processor_seconds

HERE = Path(__file__).parents[1]
BATCHES = (64, 8)
STEPS = 8
"""Of a turn: each is an issue and an accept of a batch."""
WARM_UP_TURNS = 4
OTHER, THIS, AGAIN = "other", "this", "again"
FIGURES = {"client": "client's processor", "server": "server's processor", "wall": "wall clock"}

Times = Mapping[str, float]
"""Microseconds of a pair, for each of `FIGURES`."""


class Place(NamedTuple):
    """Where databases are made."""

    name: str
    server: PostgresServer | None
    folder: Path

    def make(self, name: str) -> str:
        """Makes room for a database; returns its URL."""
        if self.server is None:
            return database_url(self.folder / f"{name}.db")
        self.server.execute(f"CREATE DATABASE {name}")
        return url_of(self.server, name)

    def prepare(self, name: str) -> None:
        """Does what the server would do some time after the database was filled."""
        if self.server is not None:
            prepare(self.server, name)

    def drop(self, name: str) -> None:
        """Removes a database that nobody uses any more."""
        if self.server is not None:
            self.server.execute(f"DROP DATABASE {name}")


class Contestant:
    """A checkout's ledger in a process of its own."""

    def __init__(
        self, checkout: Path, database: str, batch: int, seed: int, *, under: Sequence[str] = ()
    ) -> None:
        """Makes the database, if it is not there; `under` is a command that runs the process."""
        command = [
            *under,
            sys.executable,
            "-m",
            "benchmarks.checkouts",
            "--child",
            str(checkout),
            database,
            str(batch),
        ]
        # The order of sets and dictionaries has its cost, too.
        environment = source_environment(checkout) | {"PYTHONHASHSEED": str(seed)}
        self._process = subprocess.Popen(
            command, cwd=HERE, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.take_turn()

    def take_turn(self) -> Times:
        """Does the pairs of one turn."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process has failed: {self._process.args!r}")
        times: Times = json.loads(line)
        return times

    def close(self) -> None:
        """Ends the process."""
        # At the end of its input it stops.
        self._process.communicate()


def take_turns(checkout: Path, url: str, batch: int) -> None:
    """The child process: a line of input is a turn, answered by a line of figures; the first makes ready."""
    if not Path(astakos.__file__).is_relative_to(checkout.resolve()):
        raise RuntimeError(f"{astakos.__file__} is not of {checkout}")
    input()
    if not is_made(url):
        make_database(url)
    print(json.dumps({}), flush=True)
    database = database_of(url)
    with contextlib.closing(database), contextlib.closing(ledger_storage(database)) as store:
        found = registry.find_component_by_token(database.reader(), token_hash(COMPONENT_TOKEN))
        assert found is not None
        step = engine_step(store, found.id)
        users = itertools.cycle(range(USERS))
        keep_what_is_there()
        server = None
        for _ in sys.stdin:
            if url.startswith("postgresql") and server is None:
                step(list(itertools.islice(users, batch)))
                ((server,),) = database.reader().execute(OF_ENGINE).fetchall()
            before = _clocks(server)
            for _ in range(STEPS):
                step(list(itertools.islice(users, batch)))
            after = _clocks(server)
            print(
                json.dumps({name: (after[name] - before[name]) * 1e6 / (STEPS * batch) for name in after}),
                flush=True,
            )


def _clocks(server: int | None) -> Times:
    clocks = {"client": time.process_time(), "wall": time.perf_counter()}
    return clocks if server is None else clocks | {"server": processor_seconds(server)}


def compare(
    place: Place, checkouts: Mapping[str, Path], batch: int, turns: int, seed: int
) -> list[dict[str, Times]]:
    """Lets new processes on new databases take turns; returns the times of each turn by contestant."""
    names = {name: f"{name}_{batch}_{seed}" for name in checkouts}
    with contextlib.ExitStack() as stack:
        contestants = {}
        for name, checkout in checkouts.items():
            contestants[name] = Contestant(checkout, place.make(names[name]), batch, seed)
            stack.callback(place.drop, names[name])
            stack.callback(contestants[name].close)
            place.prepare(names[name])
        found = []
        for turn in range(WARM_UP_TURNS + turns):
            order = list(contestants)[:: 1 if turn % 2 else -1]
            found.append({name: contestants[name].take_turn() for name in order})
        return found[WARM_UP_TURNS:]


def _rows(case: str, turns: Sequence[Mapping[str, Times]]) -> Iterator[tuple[str, ...]]:
    for figure, title in FIGURES.items():
        if figure not in turns[0][THIS]:
            continue
        times = {name: [turn[name][figure] for turn in turns] for name in turns[0]}
        for kind, least in (("median", statistics.median), ("least", min)):
            other, this, again = (least(times[name]) for name in (OTHER, THIS, AGAIN))
            # Both processes of this checkout count.
            mean = (this + again) / 2
            yield (
                f"{case}: {title}, {kind}",
                f"{other:.1f}",
                f"{mean:.1f}",
                f"{mean / other:.3f} ×",
                f"{again / this:.3f} ×",
            )


@contextlib.contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """The files of a revision, in a folder that is gone with the context."""
    git = ["git", "-C", str(HERE), "worktree"]
    with tempfile.TemporaryDirectory(prefix="astakos-checkout-") as folder:
        checkout = Path(folder, "checkout")
        subprocess.run([*git, "add", "--quiet", "--detach", str(checkout), revision], check=True)
        try:
            yield checkout
        finally:
            subprocess.run([*git, "remove", "--force", str(checkout)], check=True)


@contextlib.contextmanager
def _places(only: str | None) -> Iterator[list[Place]]:
    with tempfile.TemporaryDirectory(prefix="astakos-benchmark-") as folder, own_server(SETTINGS) as server:
        places = [Place("SQLite", None, Path(folder)), Place("PostgreSQL", server, Path(folder))]
        yield [place for place in places if only in (None, place.name.lower())]


def main() -> None:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("revision", nargs="?", help="the git revision to compare with")
    parser.add_argument("--turns", type=int, default=40, help="of each process (%(default)s)")
    parser.add_argument(
        "--restarts", type=int, default=3, help="how often processes begin anew (%(default)s)"
    )
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one kind of database")
    parser.add_argument(
        "--batches", type=int, nargs="+", default=BATCHES, help="commissions of a transaction"
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        checkout, url, batch = arguments.child
        take_turns(Path(checkout), url, int(batch))
        return
    # What has been started must be stopped, however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    if arguments.revision is None:
        parser.error("the revision to compare with is missing, for example HEAD~10")
    show([Result("Where", ("", ""), machine.describe())], markdown=arguments.markdown)
    rows: list[Sequence[str]] = []
    with worktree(arguments.revision) as other, _places(arguments.only) as places:
        checkouts = {OTHER: other, THIS: HERE, AGAIN: HERE}
        for place, batch in itertools.product(places, arguments.batches):
            turns = [
                turn
                for seed in range(arguments.restarts)
                for turn in compare(place, checkouts, batch, arguments.turns, seed)
            ]
            rows += _rows(f"{place.name}, batches of {batch}", turns)
    result = Result(
        f"The ledger of {arguments.revision} beside this checkout's: issue + accept, 4 provisions, no HTTP",
        ("case", f"{arguments.revision}, µs", "this, µs", "ratio", "to itself"),
        rows,
        f"A pair; {arguments.turns} turns of {STEPS} batches in each of {arguments.restarts} processes.",
    )
    show([result], markdown=arguments.markdown)


if __name__ == "__main__":
    main()
