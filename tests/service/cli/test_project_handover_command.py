import pytest

from astakos.storage.protocol import Database
from service.caller import Caller
from service.command import astakos, refused
from service.http.projects.lives import show
from service.world import ALICE, BOB, HUGO, LAB

pytestmark = pytest.mark.every_engine


def test_a_project_is_handed_over(database: Database, service: Caller) -> None:
    handover = ("project", "handover", "lab.example.org")
    assert "only the owner" in refused(database, *handover, BOB.email, "--as", BOB.email)
    assert "not active" in refused(database, *handover, HUGO.email)
    done = astakos(database, *handover, BOB.email, "--as", ALICE.email, "--reason", "moved")
    assert (done.status, done.output) == (0, f"lab.example.org belongs to {BOB.email}.\n")
    assert show(service, LAB)["owner"] == BOB.uuid
