"""Losses of the primary under load; see `simulation.failover` for how, and for longer runs."""

import contextlib
import os

import pytest
from tools.postgres_server import PostgresServer, folder_for_server, free_port

from simulation.failover import RESUMED_AFTER_SECONDS, SETTINGS, Cluster, fail_over, load_on, running_cluster
from simulation.serving import UnexpectedAnswerError

LOST = "is lost|was answered by 404|has the serial"
FAILOVERS = int(os.environ.get("ASTAKOS_FAILOVERS", "1"))


def test_with_a_synchronous_standby_nothing_is_lost_nothing_done_twice_and_all_resumes_by_itself() -> None:
    with running_cluster() as cluster, load_on(cluster.url, seed=6) as load:
        for number in range(FAILOVERS):
            if number:
                cluster.make_standby()
            endured = fail_over(cluster, load)
            assert len(endured.resumed_after) == 2
            assert max(endured.resumed_after) < RESUMED_AFTER_SECONDS
            assert endured.acknowledged > 10


class LateCluster(Cluster):
    """One whose standby is not waited for, and is late."""

    def make_standby(self) -> None:
        """Later, when there is something to copy."""

    def lose_primary(self) -> None:
        super().lose_primary()
        self.standby.start()


def test_what_a_standby_that_is_not_waited_for_loses_is_seen() -> None:
    """The check of the test before this one can fail."""
    with contextlib.ExitStack() as stack:
        folders = [stack.enter_context(folder_for_server()) for _ in range(2)]
        servers = [PostgresServer(folder, SETTINGS, free_port()) for folder in folders]
        for server in servers:
            stack.callback(server.stop)
        cluster = LateCluster(*servers)
        with load_on(cluster.url, seed=6) as load:
            cluster.standby.copy(cluster.primary)
            with pytest.raises((AssertionError, UnexpectedAnswerError), match=LOST):
                fail_over(cluster, load)
