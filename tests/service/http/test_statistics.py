import pytest

from astakos.administration.load import load
from astakos.administration.state_document import StateDocument
from astakos.storage.protocol import Database
from service.caller import Caller
from service.installation import running
from service.world import ALICE, BOB, CHLOE, COMPUTE_TOKEN, LOADED, VM, member_key, project_key, users

pytestmark = pytest.mark.every_engine


def test_everybody_sees_how_many_users_there_are(service: Caller) -> None:
    for path in ("/admin/stats", "/admin/stats/"):
        reply = service.get(path)
        assert (reply.status, reply.document) == (200, {"users": {"total": 9, "active": 5}})
    assert service("POST", "/admin/stats", document={}).status == 405


def test_members_of_a_group_see_more(database: Database) -> None:
    alice = users()[0]
    alice.groups = ["admin-stats"]
    load(database, StateDocument(users=[alice]), LOADED)
    with running(database) as service:
        service.issue(COMPUTE_TOKEN, (member_key(ALICE), 2), (project_key(), 2), auto_accept=True)
        service.issue(COMPUTE_TOKEN, (member_key(BOB), 1), (project_key(), 1))
        document = service.get("/admin/stats/detail", ALICE.token).document
        assert document["users"] == {"total": 9, "active": 5}
        assert document["projects"] == {"active": 1, "suspended": 1, "terminated": 1}
        assert document["system_projects"] == {"active": 5, "suspended": 1}
        assert document["memberships"] == {"accepted": 4, "leave_requested": 1, "removed": 1}
        assert document["applications"] == {"pending": 0}
        assert document["commissions"] == {"pending": 1}
        assert document["usage"][VM] == {"usage": 3, "pending": 1}
        for token, status in ((CHLOE.token, 403), (COMPUTE_TOKEN, 401), (None, 401)):
            assert service.get("/admin/stats/detail", token).status == status
