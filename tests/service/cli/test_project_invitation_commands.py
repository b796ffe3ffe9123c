import re

import pytest

from astakos.storage.protocol import Database
from service.caller import Caller
from service.command import astakos, refused
from service.http.projects.test_invitations import join
from service.world import ALICE, BOB, CHLOE

pytestmark = pytest.mark.every_engine
LAB = "lab.example.org"


def test_an_invitation_is_made_listed_used_and_revoked(database: Database, service: Caller) -> None:
    made = astakos(database, "project", "invite", LAB, "--uses", "2", "--days", "3", "--as", ALICE.email)
    found = re.match(r"invitation  (([0-9]+)-[\w-]{43})\nid          \2\nproject     lab", made.output)
    assert (made.status, found is not None) == (0, True), made.output
    assert found is not None
    code, number = found.groups()
    assert join(service, code).status == 200
    listed = astakos(database, "project", "invitations", LAB, "--json")
    (one,) = listed.document
    assert (one["id"], one["state"], one["uses"], one["max_uses"]) == (int(number), "open", 1, 2)
    assert one["creator"] == ALICE.email
    assert code not in listed.output
    assert number in astakos(database, "project", "invitations", LAB).output
    revoke = ("project", "revoke-invitation", number)
    assert "only the owner" in refused(database, *revoke, "--as", BOB.email)
    assert astakos(database, *revoke, "--reason", "leaked").output == f"Revoked invitation {number}.\n"
    assert join(service, code, CHLOE).status == 404
    assert refused(database, *revoke) == "there is no such invitation"


def test_an_operator_invites_and_a_stranger_does_not(database: Database) -> None:
    assert "only the owner" in refused(database, "project", "invite", LAB, "--as", BOB.email)
    made = astakos(database, "project", "invite", LAB, "--json")
    assert made.document["uses"] == 1
    (one,) = astakos(database, "project", "invitations", LAB, "--json").document
    assert (one["id"], one["creator"]) == (made.document["id"], None)
