"""Kills of the real service; see `simulation.crashes` for how, and for longer runs."""

import os
from pathlib import Path

from lengths import length
from simulation.crashes import Run
from simulation.killed_installation import FIRST_GRANT

KILLS = int(os.environ.get("ASTAKOS_KILLS", length(14, 5)))


def test_what_was_acknowledged_survives_every_kill_and_the_rest_is_whole_or_not_there(tmp_path: Path) -> None:
    tally = Run(tmp_path / "crashes.db", seed=26).rounds(KILLS)
    assert tally.kills == KILLS
    # The run meant something: much was acknowledged, and kills came between a question and its answer.
    assert tally.acknowledged > 10 * KILLS, tally
    # Of both grants, at both levels.
    assert tally.drawn > 2 * FIRST_GRANT, tally
    assert tally.unanswered + tally.resolutions > KILLS, tally
