"""Projects beside a model of them, through long random histories of calls over HTTP.

In CI this takes some seconds. By hand, for as many histories of as many steps as wanted:

    ASTAKOS_EXAMPLES=500 ASTAKOS_STEPS=100 pytest tests/simulation/projects/test_lives.py [-k postgresql]
"""

import contextlib
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from astakos.service import ttl_cache
from lengths import length
from service.caller import Caller
from service.engines import SQLITE, Engine
from service.installation import running
from simulation.projects.databases import loaded
from simulation.projects.machine import ProjectsMachine

STEPS = int(os.environ.get("ASTAKOS_STEPS", "30"))
EXAMPLES = os.environ.get("ASTAKOS_EXAMPLES")


@pytest.mark.every_engine
def test_lives_of_projects(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    # The clock of a history goes faster than that of the cache.
    monkeypatch.setattr(ttl_cache, "KEPT_SECONDS", 0.0)

    class Machine(ProjectsMachine):
        @contextlib.contextmanager
        def run_service(self) -> Iterator[Caller]:
            with loaded(engine) as database, running(database, now=self.life.clock()) as caller:
                yield caller

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=int(EXAMPLES or (length(10, 4) if engine.name == SQLITE else length(2, 1))),
            stateful_step_count=STEPS,
            deadline=None,
            # To find the shortest history takes minutes.
            phases=[Phase.generate] if EXAMPLES is None else list(Phase),
            derandomize=EXAMPLES is None,
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
