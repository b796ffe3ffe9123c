from collections.abc import Iterator
from urllib.parse import quote

import pytest

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import OAuth2TokenEntry, StateDocument
from astakos.storage.protocol import Database
from service.caller import TOKENS, Caller, Reply
from service.installation import rows, running
from service.world import ACCESS_TOKEN, ALICE, BOB, EDGAR, FAR, HUGO, LAB, LOADED, PAST

pytestmark = pytest.mark.every_engine

NAMESPACE = "{http://docs.openstack.org/identity/api/v2.0}"
SCOPE = "https://viewer.example.org/"
SLASHED, UNSCOPED, EXPIRED, OF_INACTIVE = "a/b/c==", "made for no place", "expired/one", "of-hugo"

ALICES = {
    "access": {
        "token": {
            "id": ACCESS_TOKEN,
            "expires": FAR,
            "tenant": {"id": ALICE.uuid, "name": "Alice Archer"},
        },
        "user": {
            "id": ALICE.uuid,
            "name": "Alice Archer",
            "roles_links": [],
            "roles": [{"id": "1", "name": "staff"}, {"id": "2", "name": "admin-api"}],
        },
    }
}


def access_token(token: str, user: str, scope: str | None = SCOPE, expires: str = FAR) -> OAuth2TokenEntry:
    return OAuth2TokenEntry(client="viewer", user=user, expires=expires, access_token=token, scope=scope)


TOKENS_IN_USE = StateDocument(
    oauth2_tokens=[
        access_token(SLASHED, BOB.uuid),
        access_token(UNSCOPED, ALICE.uuid, scope=None),
        access_token(EXPIRED, ALICE.uuid, expires=PAST),
        access_token(OF_INACTIVE, HUGO.uuid),
    ]
)


@pytest.fixture
def validating(database: Database) -> Iterator[Caller]:
    """A service that knows access tokens of several kinds."""
    load(database, TOKENS_IN_USE, LOADED)
    with running(database) as caller:
        yield caller


def validated(caller: Caller, token: str, query: str = "", **headers: str) -> Reply:
    return caller.get(f"{TOKENS}/{quote(token, safe='/')}{query}", **headers)


def test_an_access_token_is_answered_by_whom_it_was_made_for(standing_service: Caller) -> None:
    for path in (ACCESS_TOKEN, ACCESS_TOKEN + "/"):
        reply = standing_service.get(f"{TOKENS}/{path}")
        assert (reply.status, reply.document) == (200, ALICES)


def test_it_counts_any_number_of_times_and_no_token_is_needed(standing_service: Caller) -> None:
    for token in (None, "nonsense", BOB.token):
        assert standing_service.get(f"{TOKENS}/{ACCESS_TOKEN}", token).document == ALICES


@pytest.mark.parametrize(
    "token", ["nope", "a/b", ACCESS_TOKEN + ".json", ACCESS_TOKEN + "//", "%00", "\u00e9"]
)
def test_others_are_unknown(standing_service: Caller, token: str) -> None:
    reply = validated(standing_service, token)
    assert (reply.status, reply.fault) == (404, "itemNotFound")


def test_a_users_own_token_is_none_of_these(standing_service: Caller) -> None:
    reply = validated(standing_service, ALICE.token)
    assert (reply.status, reply.fault) == (404, "itemNotFound")
    assert ALICE.token not in reply.content.decode()


def test_slashes_may_stand_in_it(validating: Caller) -> None:
    for path in (SLASHED, SLASHED + "/", SLASHED.replace("/", "%2F")):
        reply = validating.get(f"{TOKENS}/{path}")
        assert reply.status == 200, path
        assert reply.document["access"]["token"]["id"] == SLASHED
        assert reply.document["access"]["user"]["id"] == BOB.uuid


@pytest.mark.parametrize(
    ("belongs_to", "status"),
    [
        (SCOPE, 200),
        (SCOPE + "files/1?x=2", 200),
        (SCOPE + "..", 404),
        (SCOPE.replace("https", "http"), 404),
        (SCOPE[:-1] + ".evil.org/", 404),
        ("", 404),
        (SCOPE[:-1], 404),
        ("https://elsewhere.example.org/", 404),
        ("x" + SCOPE, 404),
    ],
)
def test_it_belongs_to_what_is_below_its_scope(
    standing_service: Caller, belongs_to: str, status: int
) -> None:
    query = f"?belongsTo={quote(belongs_to, safe='')}"
    assert validated(standing_service, ACCESS_TOKEN, query).status == status


def test_without_a_scope_it_belongs_to_no_place_that_is_named(validating: Caller) -> None:
    assert validated(validating, UNSCOPED).status == 200
    for belongs_to in ("", SCOPE):
        reply = validated(validating, UNSCOPED, f"?belongsTo={belongs_to}")
        assert (reply.status, reply.fault) == (404, "itemNotFound")


def test_when_it_has_expired_it_is_deleted_by_the_first_who_asks(
    validating: Caller, database: Database
) -> None:
    def stored() -> int:
        (number,) = rows(database, "SELECT count(*) FROM oauth2_tokens")[0]
        assert isinstance(number, int)
        return number

    before = stored()
    for _ in range(2):
        reply = validated(validating, EXPIRED)
        assert (reply.status, reply.fault) == (404, "itemNotFound")
        assert stored() == before - 1


def test_the_clock_of_the_service_decides(database: Database) -> None:
    expires = clock.from_iso(FAR)
    present = [expires]
    with running(database, now=lambda: present[0]) as caller:
        assert validated(caller, ACCESS_TOKEN).status == 200
        present[0] += 1
        assert validated(caller, ACCESS_TOKEN).status == 404
        present[0] -= 1
        assert validated(caller, ACCESS_TOKEN).status == 404, "it is gone for good"


def test_the_state_of_its_user_is_not_looked_at(validating: Caller) -> None:
    reply = validated(validating, OF_INACTIVE)
    assert (reply.status, reply.document["access"]["user"]["name"]) == (200, "Hugo Inactive")


def test_its_tenant_is_the_default_project(validating: Caller) -> None:
    chosen = validating.post("/account/v1.0/myaccount/default_project", BOB.token, {"project_id": LAB})
    assert chosen.status == 200
    assert validated(validating, SLASHED).document["access"]["token"]["tenant"]["id"] == LAB


def test_as_xml_it_has_an_empty_catalogue(standing_service: Caller) -> None:
    for query, headers in (("?format=xml", {}), ("", {"Accept": "application/xml"})):
        reply = validated(standing_service, ACCESS_TOKEN, query, **headers)
        assert reply.headers["content-type"] == "application/xml; charset=UTF-8"
        token, user, catalog = reply.xml
        assert token.attrib == {"id": ACCESS_TOKEN, "expires": FAR}
        assert user.attrib["name"] == "Alice Archer"
        assert (catalog.tag, list(catalog)) == (NAMESPACE + "serviceCatalog", [])


def test_it_is_good_for_nothing_else(standing_service: Caller) -> None:
    for path in ("/account/v1.0/quotas", "/account/v1.0/authenticate"):
        assert standing_service.get(path, ACCESS_TOKEN).status == 401
    assert standing_service.post(TOKENS, None, {"auth": {"token": {"id": ACCESS_TOKEN}}}).status == 401
    assert standing_service.get(f"{TOKENS}/{EDGAR.token}").status == 404
