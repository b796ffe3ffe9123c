"""What is pending is listed page by page, with a bounded amount of work for each."""

import pytest

from astakos.storage.protocol import Database
from astakos.storage.tables import pending_list
from astakos.storage.tables.pending_list import PendingWanted, read_pending_page
from service.caller import Caller
from service.world import ALICE, COMPUTE_TOKEN, STORAGE_TOKEN, member_key, project_key

U, P = member_key(ALICE), project_key()
SPACE = "storage.space"


def found(database: Database, wanted: PendingWanted, most: int) -> list[list[int]]:
    pages: list[list[int]] = []
    after: int | None = 0
    while after is not None:
        page = read_pending_page(database.reader(), wanted, after=after, most=most)
        pages.append([entry.serial for entry in page.entries])
        after = page.end
    return pages


@pytest.mark.every_engine
def test_pages_follow_each_other_whatever_matches(
    database: Database, service: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_list, "AT_A_TIME", 2)
    monkeypatch.setattr(pending_list, "MOST_LOOKED_AT", 4)
    # The last of the eight is the last that the second page looks at, so a third one follows.
    serials = [service.issued(COMPUTE_TOKEN, (U, 1), (P, 1)) for _ in range(5)]
    space = member_key(ALICE)._replace(resource=SPACE)
    seldom = service.issued(STORAGE_TOKEN, (space, 1))
    serials += [seldom, *(service.issued(COMPUTE_TOKEN, (U, 1), (P, 1)) for _ in range(2))]
    assert found(database, PendingWanted(), 3) == [serials[:3], serials[3:6], serials[6:]]
    assert found(database, PendingWanted(resource=SPACE), 3) == [[], [seldom], []]
    assert found(database, PendingWanted(holder="user:nobody"), 3) == [[], [], []]
    ((entry,), _) = read_pending_page(database.reader(), PendingWanted(resource=SPACE), after=seldom - 1)
    assert [(one.key, one.quantity) for one in entry.provisions] == [(space, 1)]
