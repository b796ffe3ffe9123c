import pytest

from astakos.storage.protocol import Database
from service.command import astakos
from service.world import LAB

pytestmark = pytest.mark.every_engine


@pytest.mark.parametrize(
    "command",
    [
        ("audit", "--limit"),
        ("delivery", "list", "--limit"),
        ("delivery", "show"),
        ("delivery", "retry"),
        ("project", "events", LAB, "--limit"),
        ("project", "usage", LAB, "--limit"),
        ("project", "approve", LAB, "--application"),
        ("commission", "history", "--limit"),
    ],
)
def test_a_number_that_no_database_holds_is_refused_with_the_range(
    database: Database, command: tuple[str, ...]
) -> None:
    done = astakos(database, *command, "9" * 23)
    assert done.status == 2
    assert "is not in the range" in " ".join(done.errors.split())
