"""Forms that are sent again while the first sending is still being carried out, by another process."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

import pytest

from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import sent_forms
from astakos.storage.tables.retention import KEYS_KEPT, Retention
from astakos.storage.tables.sent_forms import Sent

pytestmark = pytest.mark.every_engine
PATIENCE = 20
MADE = Sent("/ui/admin/grants/17", "You have already sent this form.")


class MadeNothingError(Exception):
    """What stops the first sending."""


@pytest.mark.parametrize("fails", [False, True], ids=["made", "made nothing"])
def test_a_second_sending_waits_and_makes_what_the_first_has_not_made(
    database: Database, fails: bool
) -> None:
    begun, proceed = Event(), Event()

    def first(connection: Connection) -> None:
        assert sent_forms.begin(connection, "form", 1) is None
        begun.set()
        assert proceed.wait(PATIENCE)
        if fails:
            raise MadeNothingError
        sent_forms.end(connection, "form", MADE)

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(database.change, first)
        assert begun.wait(PATIENCE)
        other = threads.submit(database.change, lambda connection: sent_forms.begin(connection, "form", 2))
        proceed.set()
        error = one.exception(PATIENCE)
        assert isinstance(error, MadeNothingError) if fails else error is None
        assert other.result(PATIENCE) == (None if fails else MADE)


def test_a_form_is_forgotten_with_the_idempotency_keys(database: Database) -> None:
    def send(connection: Connection) -> None:
        assert sent_forms.begin(connection, "form", 1) is None
        sent_forms.end(connection, "form", MADE)

    database.change(send)
    assert database.read(lambda connection: sent_forms.find(connection, "other")) is None
    for later, found in ((KEYS_KEPT, MADE), (KEYS_KEPT + 2, None)):
        database.change(partial(Retention().forget, now=later))
        assert database.read(lambda connection: sent_forms.find(connection, "form")) == found
