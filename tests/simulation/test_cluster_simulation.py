"""The simulation that `docs/scaling.md` argues with keeps to the rules of what it simulates."""

from dataclasses import replace

from tools.cluster_simulation import Cluster, Costs, Simulation

COSTS = Costs(
    engine_transaction=200e-6,
    engine_operation=30e-6,
    database_transaction=200e-6,
    database_operation=20e-6,
    distribution=4.0,
    range_operation=100e-6,
)
CLUSTER = Cluster(4, COSTS, clients=64, holders=10_000)
SECONDS = 0.3


def test_the_same_seed_gives_the_same_outcome() -> None:
    assert Simulation(CLUSTER, 7).run(SECONDS) == Simulation(CLUSTER, 7).run(SECONDS)
    assert Simulation(CLUSTER, 7).run(SECONDS) != Simulation(CLUSTER, 8).run(SECONDS)


def test_engines_that_want_one_holder_commit_one_after_the_other() -> None:
    slow = replace(CLUSTER, holders=1, replication=0.01, largest_batch=8)
    outcome = Simulation(slow).run(SECONDS)
    # A batch is four pairs at most, and each holds the lock while its commit is replicated.
    assert 0 < outcome.per_second <= 4 / slow.replication
    assert outcome.waiting > 0


def test_a_holder_with_an_engine_of_its_own_is_never_waited_for() -> None:
    outcome = Simulation(replace(CLUSTER, skew=1.2, by_holder=True)).run(SECONDS)
    assert outcome.waiting == 0
    assert outcome.per_second > Simulation(replace(CLUSTER, skew=1.2)).run(SECONDS).per_second


def test_batches_grow_where_commits_are_slow_and_never_beyond_their_limit() -> None:
    quick, slow = (
        Simulation(replace(CLUSTER, replication=seconds)).run(SECONDS) for seconds in (0.001, 0.02)
    )
    assert quick.batch < slow.batch <= CLUSTER.largest_batch


def test_one_range_of_the_log_bounds_all_engines() -> None:
    outcome = Simulation(replace(CLUSTER, log_ranges=1, by_holder=True)).run(SECONDS)
    # A pair is two rows. What was begun before the measurement may end in it.
    assert outcome.per_second <= 1.1 / (2 * COSTS.range_operation)
