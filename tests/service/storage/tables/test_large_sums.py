"""Figures that are larger together than what a column holds are added up, and shown."""

import pytest

from astakos.administration.erasure import preview_erasure
from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import users
from astakos.storage.tables.large_sums import halves, whole
from astakos.storage.tables.nested_projects import settled_below
from astakos.storage.tables.statistics import read_statistics
from service.installation import rows
from service.world import ALICE, CLOSED, HALTED, LAB, VM

pytestmark = pytest.mark.every_engine


@pytest.mark.parametrize(
    "numbers", [[], [0], [1, 2], [-1], [UNLIMITED] * 5, [UNLIMITED, -UNLIMITED - 1], [-5, 2**40, 7 - 2**62]]
)
def test_a_sum_is_what_its_numbers_are_together(empty: Database, numbers: list[int]) -> None:
    one = "SELECT CAST(? AS BIGINT) AS number" if numbers else "SELECT 1 AS number WHERE 1 = ?"
    parts = " UNION ALL ".join([one] * max(1, len(numbers)))
    with empty.snapshot() as connection:
        found = connection.execute(f"SELECT {halves('number')} FROM ({parts}) AS listed", numbers or [0])
        assert whole(*found.fetchone()) == sum(numbers)


def fill(database: Database) -> int:
    """Uses the most that holdings can have everywhere; returns of how many holdings Alice has it."""
    rows(database, "UPDATE holdings SET usage_min = ?, usage_max = ?, settled = ?", *[UNLIMITED] * 3)
    return len(
        rows(database, "SELECT id FROM holdings WHERE holder = ? AND resource = ?", f"user:{ALICE.uuid}", VM)
    )


def test_what_uses_as_much_as_can_be_is_counted_and_its_user_can_be_erased(database: Database) -> None:
    number = fill(database)
    assert number > 2

    def erasing(connection: Connection) -> dict[str, int]:
        user = users.find_by_uuid(connection, ALICE.uuid)
        assert user is not None
        return preview_erasure(connection, user).held

    assert database.read(erasing)[VM] == number * UNLIMITED
    usage = database.read(read_statistics).usage[VM]
    ((projects,),) = rows(database, "SELECT count(*) FROM holdings WHERE source = '' AND resource = ?", VM)
    assert usage.usage_min == usage.usage_max == int(str(projects)) * UNLIMITED


def test_what_is_below_a_project_is_added_up(database: Database) -> None:
    fill(database)
    rows(database, "UPDATE projects SET parent = ? WHERE uuid IN (?, ?)", LAB, HALTED, CLOSED)
    # Two children and two members.
    below = database.read(lambda connection: settled_below(connection, LAB))
    assert (below[VM], below["no.such"]) == (4 * UNLIMITED, 0)
