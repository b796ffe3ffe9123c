import pytest

from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller
from service.command import astakos
from service.world import ALICE, CHLOE, LAB, VM

pytestmark = pytest.mark.every_engine


def limit(service: Caller) -> object:
    return service.get(f"{ACCOUNT}/quotas", ALICE.token).document[LAB][VM]["limit"]


@pytest.mark.parametrize(
    ("end", "told", "revive"),
    [("suspend", "is suspended", "unsuspend"), ("terminate", "has ended", "reinstate")],
)
def test_a_project_stops_and_is_revived_at_once(
    database: Database, service: Caller, end: str, told: str, revive: str
) -> None:
    done = astakos(database, "project", end, "lab.example.org", "--as", CHLOE.email, "--reason", "why")
    assert (done.status, done.errors) == (0, "")
    assert done.output.startswith(f"lab.example.org {told}.")
    assert limit(service) == 0
    revived = astakos(database, "project", revive, "lab.example.org")
    assert (revived.status, revived.output) == (0, "lab.example.org is active again.\n")
    assert limit(service) == 10
