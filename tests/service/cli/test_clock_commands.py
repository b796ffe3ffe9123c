"""A service that starts with a clock that has jumped, and the operator who accepts it."""

import json
import time

from astakos import clock
from astakos.clock import DAY
from astakos.storage.protocol import Database
from astakos.storage.tables import clock_records, settings
from service.caller import COMMISSIONS
from service.command import Ended, astakos, serving
from service.installation import rows
from service.metrics.scraping import scrape
from service.world import ALICE, COMPUTE_TOKEN, member_key

U = member_key(ALICE)


def jump(database: Database, microseconds: int) -> None:
    """Lets the clock be ahead of what the last service on this machine has recorded."""
    with database.transaction() as connection:
        settings.save(
            connection,
            clock_records.ANCHOR,
            [clock.now() - clock.elapsed() - microseconds, clock.boot()],
        )


def test_a_clock_that_jumped_ends_nothing_until_it_is_accepted(database: Database) -> None:
    with database.transaction() as connection:
        settings.save(connection, settings.HISTORY_DAYS, 30)
    with serving(database) as served:
        reply = served.caller.issue(COMPUTE_TOKEN, (U, 1), ttl=2_000_000)
        serial = reply.document["serial"]
        assert served.end() == Ended(0, "", "")
    rows(database, "UPDATE pending_commissions SET expires = 1")
    assert astakos(database, "clock", "show").output == "The clock is trusted.\n"
    jump(database, 31 * DAY)
    with serving(database, "--metrics-port", "0") as served:
        other = served.caller.issued(COMPUTE_TOKEN, (U, 1))
        assert set(served.caller.get(COMMISSIONS, COMPUTE_TOKEN).document) == {serial, other}
        told = scrape(served)
        assert told("astakos_clock_held") == 1
        assert round(told("astakos_clock_ahead_seconds") / 86400) == 31
        assert "is held" in astakos(database, "clock", "show").output
        assert astakos(database, "clock", "accept").output.startswith("Accepted the time.")
        deadline = time.monotonic() + 10
        while served.caller.get(COMMISSIONS, COMPUTE_TOKEN).document != [other]:
            assert time.monotonic() < deadline
        assert scrape(served)("astakos_clock_held") == 0
        done = served.end()
    first, second = done.errors.splitlines()
    assert "`astakos clock accept`" in first
    assert "commissions expire again" in second
    assert "not held" in astakos(database, "clock", "accept").output


def test_the_record_of_the_clock_is_no_part_of_a_state_document(database: Database) -> None:
    jump(database, 0)
    document = json.loads(astakos(database, "dump").output)
    assert not {name for name in document["settings"] if name.startswith("clock")}
