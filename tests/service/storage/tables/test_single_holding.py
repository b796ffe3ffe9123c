"""What is pending on a holding is looked for among the newest, and it is said whether that is all."""

import pytest

from astakos.storage.protocol import Database
from astakos.storage.tables import single_holding
from astakos.storage.tables.single_holding import list_pending_of
from service.caller import Caller
from service.world import ALICE, COMPUTE_TOKEN, member_key, project_key

U, P = member_key(ALICE), project_key()


@pytest.mark.every_engine
def test_what_is_too_old_to_be_looked_at_is_not_passed_over_in_silence(
    database: Database, service: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    serials = [service.issued(COMPUTE_TOKEN, (U, 1), (P, 1)) for _ in range(3)]

    def listed(most: int) -> tuple[list[int], bool]:
        found = list_pending_of(database.reader(), U, 3, most)
        return [one.serial for one in found.shown], found.is_complete

    assert listed(10) == (serials, True)
    assert listed(2) == (serials[1:], False)
    monkeypatch.setattr(single_holding, "AT_A_TIME", 1)
    monkeypatch.setattr(single_holding, "MOST_LOOKED_AT", 2)
    assert listed(10) == (serials[1:], False)
    assert list_pending_of(database.reader(), U, 0, 10) == ([], True)
