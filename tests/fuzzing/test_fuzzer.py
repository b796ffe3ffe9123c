"""No request whatever makes the service fail, none that is refused changes anything, and nothing piles up.

For longer runs see `fuzzer.py`.
"""

import pytest

from astakos.storage.protocol import Database
from fuzzing.fuzzer import DRAWN, OPTIONS, Fuzzer
from fuzzing.subject import errors_in, turn_all_on
from lengths import length
from service.command import serving_from_the_start
from service.engines import POSTGRESQL, SQLITE, Engine

SEED = 5
REQUESTS = {SQLITE: length(10_000, 3_000), POSTGRESQL: length(6_000, 1_500)}
"""Most are refused before the database matters."""
MOST_GROWTH_BYTES = 24 << 20


@pytest.mark.ledger
def test_bad_requests_are_refused_and_leave_no_trace(database: Database, engine: Engine) -> None:
    requests = REQUESTS[engine.name]
    turn_all_on(database)
    with serving_from_the_start(database, *OPTIONS) as service:
        fuzzer = Fuzzer(database, service, drawn_at_once=length(DRAWN, 150))
        fuzzer.run(requests, SEED)
        errors = errors_in(service.end().errors)
    tally = fuzzer.tally
    assert not errors
    assert tally.sent >= requests
    assert tally.compared >= requests // 3
    first, second = tally.resident
    assert second - first < MOST_GROWTH_BYTES
    # It is not one and the same check that refuses them all.
    assert tally.statuses.keys() >= {200, 201, 400, 401, 404, 405, 413}
