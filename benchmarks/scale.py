"""Contention on a distributed database, simulated: throughput and latency against nodes and skew.

Neither CockroachDB nor YugabyteDB runs here. What a batch and an operation cost was measured on one
PostgreSQL; what lies between nodes are assumptions, and every one of them is an option. What follows from it
stands in `docs/scaling.md`.
"""

import argparse
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from tools.cluster_simulation import Cluster, Costs, Outcome, Simulation

from benchmarks.results import Result, milliseconds, rate, show

NODES = (1, 2, 4, 8, 16, 32)
MANY_NODES = 8
SECONDS = 1.0
SKEWS: dict[str, dict[str, Any]] = {
    "evenly": {"skew": 0.0},
    "Zipf 0.8": {"skew": 0.8},
    "Zipf 0.99": {"skew": 0.99},
    "Zipf 1.2": {"skew": 1.2},
    "one holder": {"holders": 1},
}
DISTANCES = {
    "one rack": (0.2, 1.0),
    "one zone": (0.5, 3.0),
    "three zones": (1.5, 6.0),
    "three regions": (20.0, 40.0),
}
"""Milliseconds of a round trip and of a commit."""
ROUTINGS = {False: "any engine takes any commission", True: "each holder has its engine"}
LARGEST_BATCHES = (16, 64, 256)
LOG_RANGES = (1, 4, 16, 64)
MICROSECOND = 1e-6
MILLISECOND = 1e-3
OPTIONS = {
    "engine_transaction": (171.0, "µs of the engine for a batch"),
    "engine_operation": (28.0, "µs of the engine for each operation"),
    "database_transaction": (260.0, "µs of one PostgreSQL for a batch"),
    "database_operation": (21.0, "µs of one PostgreSQL for each operation"),
    "distribution": (4.0, "times the work of a distributed database, its replicas included"),
    "range_operation": (100.0, "µs that one range of the log needs for a row"),
    "round_trip": (0.5, "ms between nodes and back"),
    "replication": (3.0, "ms from a commit until a majority has it"),
    "seconds": (SECONDS, "simulated seconds of each case"),
}


def main() -> None:
    """Simulate, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, (default, meaning) in OPTIONS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=float, default=default, help=f"{meaning} (%(default)s)"
        )
    parser.add_argument("--cores", type=int, default=4, help="of a node, for its database (%(default)s)")
    parser.add_argument("--clients", type=int, default=512, help="of each node (%(default)s)")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    costs = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(Costs)}
    costs = {name: value if name == "distribution" else value * MICROSECOND for name, value in costs.items()}
    cluster = Cluster(
        1,
        Costs(**costs),
        cores=arguments.cores,
        round_trip=arguments.round_trip * MILLISECOND,
        replication=arguments.replication * MILLISECOND,
        clients=arguments.clients,
    )
    for result in _results(cluster, arguments.seconds):
        show([result], markdown=arguments.markdown)


def _results(cluster: Cluster, seconds: float) -> Iterator[Result]:
    def simulated(**changes: Any) -> Outcome:
        return Simulation(dataclasses.replace(cluster, **changes)).run(seconds)

    note = (
        f"{cluster.clients} clients a node, {cluster.holders:,} holders, {cluster.cores} cores a node for "
        f"the database; a round trip of {cluster.round_trip / MILLISECOND:g} ms, a commit of "
        f"{cluster.replication / MILLISECOND:g} ms."
    )
    for by_holder, title in ROUTINGS.items():
        rows = []
        for nodes in NODES:
            cells = [_cell(simulated(nodes=nodes, by_holder=by_holder, **skew)) for skew in SKEWS.values()]
            rows.append((str(nodes), *cells))
        yield Result(f"Pairs a second (p99 of a call in ms), {title}", ("nodes", *SKEWS), rows, note)
    rows = []
    for largest in LARGEST_BATCHES:
        changes = {"nodes": MANY_NODES, "skew": 0.99, "largest_batch": largest}
        cells = [_cell(simulated(by_holder=by_holder, **changes)) for by_holder in ROUTINGS]
        rows.append((str(largest), *cells))
    columns: tuple[str, ...] = ("operations", *ROUTINGS.values())
    yield Result(f"The same on {MANY_NODES} nodes, by the largest batch: Zipf 0.99", columns, rows)
    rows = [
        (name, f"{round_trip:g}", f"{commit:g}", *_both(simulated, round_trip, commit))
        for name, (round_trip, commit) in DISTANCES.items()
    ]
    columns = ("distance", "round trip, ms", "commit, ms", "any engine", "a batch", "by holder", "a batch")
    yield Result(f"The same on {MANY_NODES} nodes, by distance: Zipf 0.99", columns, rows)
    yield Result(
        f"The same on {MANY_NODES} nodes, by ranges of the log: evenly, by holder",
        ("ranges", "pairs/s (p99, ms)"),
        [
            (str(ranges), _cell(simulated(nodes=MANY_NODES, by_holder=True, log_ranges=ranges)))
            for ranges in LOG_RANGES
        ],
        "By ascending serial all rows of the log go to one range; hash-sharded, to one for each bucket.",
    )


def _both(simulated: Callable[..., Outcome], round_trip: float, commit: float) -> list[str]:
    cells = []
    for by_holder in (False, True):
        outcome = simulated(
            nodes=MANY_NODES,
            by_holder=by_holder,
            skew=0.99,
            round_trip=round_trip * MILLISECOND,
            replication=commit * MILLISECOND,
        )
        cells += [_cell(outcome), f"{outcome.batch:.0f}"]
    return cells


def _cell(outcome: Outcome) -> str:
    return f"{rate(outcome.per_second)} ({milliseconds(outcome.percentile_99)})"


if __name__ == "__main__":
    main()
