import pytest

from service.caller import ACCOUNT, Caller
from service.world import (
    ALICE,
    BOB,
    CHLOE,
)

pytestmark = pytest.mark.every_engine


class TestAuthenticate:
    def test_it_tells_a_user_who_they_are(self, standing_service: Caller) -> None:
        assert standing_service.get(f"{ACCOUNT}/authenticate", ALICE.token).document == {
            "id": 1,
            "username": "alice@example.org",
            "uuid": ALICE.uuid,
            "email": ["alice@example.org"],
            "name": "Alice Archer",
            "groups": ["staff", "admin-api"],
            "auth_token": ALICE.token,
            "auth_token_created": 1925089445000,
            "auth_token_expires": 4071006245000,
        }

    def test_usage_is_asked_for_in_vain(self, standing_service: Caller) -> None:
        plain = standing_service.get(f"{ACCOUNT}/authenticate", ALICE.token)
        assert standing_service.get(f"{ACCOUNT}/authenticate?usage=1", ALICE.token).document == plain.document

    def test_the_user_name_is_the_address_in_lower_case(self, standing_service: Caller) -> None:
        document = standing_service.get(f"{ACCOUNT}/authenticate", BOB.token).document
        assert (document["username"], document["email"]) == (BOB.email.lower(), [BOB.email])

    def test_the_token_is_that_of_the_header(self, standing_service: Caller) -> None:
        reply = standing_service.get(f"{ACCOUNT}/authenticate?X-Auth-Token={CHLOE.token}")
        assert (reply.document["uuid"], reply.document["auth_token"]) == (CHLOE.uuid, None)
