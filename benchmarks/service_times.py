"""What one batch costs on PostgreSQL, in time of the processor: of the engine, and of its server process.

Unlike what can be done in a second it hardly depends on what else the machine does. `benchmarks.scale` takes
these figures for what a node of a distributed database has to do.
"""

import contextlib
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from astakos.directory.tokens import token_hash
from astakos.storage.opening import database_of, ledger_storage
from astakos.storage.tables import registry
from benchmarks import command_line
from benchmarks.ledger import engine_step
from benchmarks.population import COMPONENT_TOKEN, USERS
from benchmarks.postgresql_databases import PostgreSQLDatabases, postgresql_databases
from benchmarks.results import Result

SMALL, LARGE = 1, 64
TRANSACTIONS = 2
"""Of one step: it issues, and accepts."""
WARM_UP_SHARE = 0.2
OF_ENGINE = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'astakos' AND pid <> pg_backend_pid()
"""


class Times(NamedTuple):
    """Seconds of the processor for one transaction."""

    engine: float
    server: float


def measure(seconds: float) -> Sequence[Result]:
    """What a transaction costs by itself, and what each of its operations adds."""
    with postgresql_databases() as databases:
        small, large = (_measure_once(databases, size, seconds) for size in (SMALL, LARGE))
    rows = []
    for name, least, most in zip(("the engine", "its server process"), small, large, strict=True):
        operation = (most - least) / (LARGE - SMALL)
        rows.append((name, _microseconds(least - operation), _microseconds(operation)))
    return [
        Result(
            "Time of the processor on PostgreSQL, no HTTP",
            ("process", "µs a transaction", "µs an operation"),
            rows,
            f"From transactions of {SMALL} and of {LARGE} issues or accepts, on {USERS:,} users in turn.",
        )
    ]


def _measure_once(databases: PostgreSQLDatabases, size: int, seconds: float) -> Times:
    database = database_of(databases.copy())
    with contextlib.ExitStack() as stack:
        stack.callback(database.close)
        component = registry.find_component_by_token(database.reader(), token_hash(COMPONENT_TOKEN))
        assert component is not None
        database.close()
        store = ledger_storage(database)
        stack.callback(store.close)
        step = engine_step(store, component.id)
        users = itertools.cycle(range(USERS))
        _repeat(lambda: step(list(itertools.islice(users, size))), seconds * WARM_UP_SHARE)
        ((process,),) = database.reader().execute(OF_ENGINE).fetchall()
        engine, server = time.process_time(), processor_seconds(process)
        steps = _repeat(lambda: step(list(itertools.islice(users, size))), seconds)
        count = steps * TRANSACTIONS
        return Times((time.process_time() - engine) / count, (processor_seconds(process) - server) / count)


def _repeat(work: Callable[[], None], seconds: float) -> int:
    """How often it was done in about so many seconds."""
    end = time.perf_counter() + seconds
    times = 0
    while time.perf_counter() < end:
        work()
        times += 1
    return times


def processor_seconds(process: int) -> float:
    """How long a process has had a processor so far."""
    return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[0]) * 1e-9


def _microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.0f}"


if __name__ == "__main__":
    command_line.run(__doc__, [measure])
