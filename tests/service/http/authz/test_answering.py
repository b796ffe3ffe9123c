"""`authz` over HTTP: who is let through, with which headers, and what a client cannot change about that."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astakos.administration.load import load
from astakos.administration.state_document import (
    CapacityEntry,
    ComponentEntry,
    OAuth2TokenEntry,
    ResourceEntry,
    StateDocument,
)
from astakos.clock import DAY
from astakos.directory.trusted_proxies import TrustedProxies
from astakos.http.authz.answering import IDENTITY_HEADERS, REFUSED
from astakos.http.authz.question import GROUPS
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.periods import HOUR, Unit
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller, Reply
from service.http.keyed import made
from service.installation import running
from service.simulated_clock import SimulatedClock
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    DORA,
    EDGAR,
    FAR,
    HALTED,
    LAB,
    LOADED,
    PAST,
    RETIRED_TOKEN,
    SPACE,
    STORAGE_TOKEN,
    UNKNOWN_TOKEN,
    UNKNOWN_UUID,
    VM,
    Person,
    projects,
)

START = LOADED - LOADED % DAY + HOUR
RATE = f"{VM}/per-minute"
COMPUTE = "/authz/compute_api"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND")


def ask(caller: Caller, token: str | None, path: str = COMPUTE, method: str = "GET", **said: str) -> Reply:
    """Asks as a proxy does; `said` are the parts of the headers' names after `Astakos-Authz-`."""
    headers = {f"Astakos-Authz-{name.title()}": value for name, value in said.items()}
    return caller(method, path, token, headers=headers)


def usage(caller: Caller, project: str, resource: str = VM, whose: Any = ALICE) -> int:
    quotas: dict[str, Any] = caller.get(f"{ACCOUNT}/quotas", whose.token).document
    used: int = quotas[project][resource]["usage"]
    return used


@pytest.fixture
def clock(database: Database) -> SimulatedClock:
    """In the laboratory, each member may have 2 machines a minute."""
    lab = next(project for project in projects() if project.uuid == LAB)
    rate = CapacityEntry(project_capacity=20, member_capacity=2)
    meter = MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE)
    document = StateDocument(
        resources=[ResourceEntry(name=RATE, service="compute_api", meter=meter)],
        projects=[msgspec.structs.replace(lab, resources={**lab.resources, RATE: rate})],
    )
    load(database, document, LOADED)
    return SimulatedClock(database, START)


@pytest.mark.every_engine
def test_a_good_token_gets_through_with_its_user(standing_service: Caller) -> None:
    reply = ask(standing_service, ALICE.token)
    assert (reply.status, reply.content) == (200, b"")
    assert {name: reply.headers[name.lower()] for name in (*IDENTITY_HEADERS, REFUSED)} == {
        "X-Astakos-User": ALICE.uuid,
        "X-Astakos-Username": ALICE.email,
        "X-Astakos-Key": "",
        "X-Astakos-Groups": "staff,admin-api",
        "X-Astakos-Project": ALICE.uuid,
        "X-Astakos-Client": "",
        "X-Astakos-Refused": "",
    }
    bearer = standing_service("GET", COMPUTE, headers={"Authorization": f"Bearer {BOB.token}"})
    assert bearer.headers["x-astakos-user"] == BOB.uuid
    assert bearer.headers["x-astakos-groups"] == ""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path", ["", "/", "/v1/models", "/..", "//", "/a%2Fb", "/%00%ff", "/authz/x?a=b&project=c"]
)
def test_any_method_and_path_is_the_same(standing_service: Caller, method: str, path: str) -> None:
    reply = ask(standing_service, ALICE.token, COMPUTE + path, method)
    assert (reply.status, reply.headers["x-astakos-user"]) == (200, ALICE.uuid)
    assert ask(standing_service, None, COMPUTE + path, method).status == 401


@pytest.mark.parametrize("token", [None, UNKNOWN_TOKEN, DORA.token, EDGAR.token, COMPUTE_TOKEN, "x" * 5000])
def test_without_a_good_token_the_answer_is_401(standing_service: Caller, token: str | None) -> None:
    reply = ask(standing_service, token, resource=VM)
    assert (reply.status, reply.fault) == (401, "unauthorized")
    error = ', error="invalid_token"' if token else ""
    assert reply.headers["www-authenticate"] == f'Bearer realm="astakos"{error}'
    assert not set(reply.headers).intersection(name.lower() for name in IDENTITY_HEADERS)


def test_a_token_in_the_query_is_the_applications_and_does_not_count(standing_service: Caller) -> None:
    assert standing_service.get(f"{COMPUTE}/?X-Auth-Token={ALICE.token}").status == 401
    reply = ask(standing_service, BOB.token, f"{COMPUTE}/?X-Auth-Token={ALICE.token}")
    assert reply.headers["x-astakos-user"] == BOB.uuid


def test_two_tokens_that_differ_are_refused(standing_service: Caller) -> None:
    headers = {"Authorization": f"Bearer {BOB.token}"}
    reply = standing_service("GET", COMPUTE, ALICE.token, headers=headers)
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == 'Bearer realm="astakos", error="invalid_request"'


def test_a_service_that_does_not_exist_is_told(standing_service: Caller) -> None:
    reply = ask(standing_service, ALICE.token, "/authz/nothing/v1")
    assert (reply.status, reply.message) == (
        404,
        "There is no service nothing. Name one of the service catalog in the path: authz/<service>.",
    )


def test_groups_are_required(standing_service: Caller) -> None:
    assert ask(standing_service, ALICE.token, groups="other, staff").status == 200
    reply = ask(standing_service, BOB.token, groups="staff")
    assert (reply.status, reply.message) == (403, "This is for members of staff.")
    assert "x-astakos-refused" not in reply.headers


@pytest.mark.ledger
@pytest.mark.parametrize("text", ["staff,nobody", " staff , nobody,", "\tstaff\t,\t,nobody\t"])
def test_blanks_around_the_names_of_a_list_do_not_matter(text: str) -> None:
    assert GROUPS.read(text) == ("staff", "nobody")


def test_many_blanks_in_a_list_take_no_time_to_speak_of() -> None:
    """Anybody can send them. A time that grows with their square would be days."""
    blanks = " " * 10_000_000
    assert GROUPS.read(f"a{blanks}b,{blanks}c") == (f"a{blanks}b", "c")


def test_room_is_asked_for_without_taking_it(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        for _ in range(5):
            reply = ask(caller, ALICE.token, resource=VM, project=LAB)
            assert (reply.status, reply.headers["x-astakos-project"]) == (200, LAB)
        assert usage(caller, LAB, RATE) == 0


@pytest.mark.ledger
def test_by_choice_each_request_is_charged_until_there_is_no_room(
    database: Database, clock: SimulatedClock
) -> None:
    said = {"resource": VM, "project": LAB, "charge": COMPUTE_TOKEN}
    with running(database, now=lambda: clock.now) as caller:
        assert [ask(caller, ALICE.token, **said).status for _ in range(4)] == [200, 200, 429, 429]
        assert usage(caller, LAB) == 2
        reply = ask(caller, ALICE.token, **said)
        assert (reply.fault, reply.headers["x-astakos-refused"]) == ("overLimit", RATE)
        assert reply.document["overLimit"]["code"] == 429
        assert reply.headers["retry-after"] == "30"
        assert reply.headers["ratelimit"] == f'"{RATE}";r=0;t=30'
        # Others have their own limit, and 30 seconds later there is room for one more.
        assert ask(caller, BOB.token, **said).status == 200
        clock.set(clock.now + 30_000_000)
        assert [ask(caller, ALICE.token, **said).status for _ in range(2)] == [200, 429]
        # Asked without taking, there is no room either.
        assert ask(caller, ALICE.token, resource=VM, project=LAB).status == 429


def test_a_proxy_that_passes_nothing_else_on_gets_403(database: Database, clock: SimulatedClock) -> None:
    said = {"resource": VM, "project": LAB, "charge": COMPUTE_TOKEN, "refuse": "403"}
    with running(database, now=lambda: clock.now) as caller:
        assert [ask(caller, ALICE.token, **said).status for _ in range(3)] == [200, 200, 403]
        reply = ask(caller, ALICE.token, **said)
        assert (reply.fault, reply.headers["x-astakos-refused"]) == ("forbidden", RATE)
        assert reply.headers["retry-after"] == "30"


def test_a_limit_that_does_not_reset_has_no_retry_after(service: Caller) -> None:
    for _ in range(4):
        assert ask(service, ALICE.token, resource=VM, charge=COMPUTE_TOKEN).status == 200
    reply = ask(service, ALICE.token, resource=VM)
    assert (reply.status, reply.headers["x-astakos-refused"]) == (429, VM)
    assert "retry-after" not in reply.headers


def test_several_resources_must_all_have_room(service: Caller) -> None:
    both = f"{VM} , {SPACE}"
    for _ in range(4):
        assert ask(service, ALICE.token, resource=both, charge=COMPUTE_TOKEN).status == 200
    assert ask(service, ALICE.token, resource=both, charge=COMPUTE_TOKEN).status == 429
    assert usage(service, ALICE.uuid, SPACE) == 4
    assert ask(service, ALICE.token, resource=SPACE).status == 200


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"resource": VM, "project": UNKNOWN_UUID}, 403),
        ({"resource": VM, "project": "nonsense"}, 403),
        ({"resource": VM, "project": "system"}, 200),
        ({"project": UNKNOWN_UUID}, 403),
        ({"project": "nonsense"}, 403),
        ({"project": HALTED}, 403),
        ({"project": "system"}, 200),
        ({"project": LAB}, 200),
        ({"resource": "nothing.at.all"}, 400),
        ({"resource": VM, "charge": UNKNOWN_TOKEN}, 400),
        ({"resource": VM, "charge": RETIRED_TOKEN}, 400),
        ({"resource": VM, "charge": ALICE.token}, 400),
        ({"resource": ",".join(map(str, range(17)))}, 400),
        ({"refuse": "200"}, 400),
        ({"resource": ""}, 200),
        ({"groups": ""}, 200),
    ],
)
def test_what_a_proxy_is_told_wrongly_lets_nobody_through(
    standing_service: Caller, said: dict[str, str], status: int
) -> None:
    reply = ask(standing_service, ALICE.token, **said)
    assert reply.status == status
    for secret in (UNKNOWN_TOKEN, RETIRED_TOKEN):
        assert secret not in reply.content.decode()


def test_names_are_told_as_they_were_sent(standing_service: Caller) -> None:
    header = "όνομα".encode().decode("latin-1")
    reply = ask(standing_service, ALICE.token, resource=header)
    assert (reply.status, "there is no resource 'όνομα'" in reply.message) == (400, True), reply.content


def test_a_meter_cannot_be_named_itself(database: Database, clock: SimulatedClock) -> None:
    with running(database, now=lambda: clock.now) as caller:
        reply = ask(caller, ALICE.token, resource=RATE, project=LAB)
        assert (reply.status, f"Name {VM}." in reply.message) == (400, True)


def test_who_is_not_a_member_cannot_draw(service: Caller) -> None:
    reply = ask(service, CHLOE.token, resource=VM, project=LAB)
    assert (reply.status, reply.message) == (403, f"The user cannot draw {VM} from the project {LAB}.")
    assert ask(service, ALICE.token, resource=VM, project=HALTED).status == 429


def test_a_component_charges_only_what_it_may(service: Caller, database: Database) -> None:
    load(database, StateDocument(components=[ComponentEntry(name="storage", may_charge=[])]), LOADED)
    assert ask(service, ALICE.token, resource=SPACE, charge=STORAGE_TOKEN).status == 200
    reply = ask(service, ALICE.token, resource=VM, charge=STORAGE_TOKEN)
    assert (reply.status, "may not charge" in reply.message) == (400, True)
    assert usage(service, ALICE.uuid) == 0


def test_keys_count_within_their_limits(service: Caller) -> None:
    compute = made(service, ALICE.token, services=["compute_api"])
    reply = ask(service, compute["key"])
    assert (reply.status, reply.headers["x-astakos-key"]) == (200, compute["prefix"])
    assert ask(service, compute["key"], "/authz/storage_api").status == 401
    lab = made(service, ALICE.token, project=LAB)["key"]
    assert ask(service, lab).headers["x-astakos-project"] == LAB
    assert ask(service, lab, project=LAB).status == 200
    assert ask(service, lab, project=ALICE.uuid).status == 403


@pytest.mark.every_engine
@pytest.mark.parametrize(
    ("scope", "expires", "user", "status"),
    [
        ("https://compute.example.org/", FAR, ALICE, 200),
        ("https://compute.example.org/v2.1", FAR, ALICE, 200),
        ("https://compute.example.org/v2.1/servers", FAR, ALICE, 403),
        ("https://compute.example.org.example.com/", FAR, ALICE, 403),
        ("https://storage.example.org/", FAR, ALICE, 403),
        ("/", FAR, ALICE, 403),
        (None, FAR, ALICE, 403),
        ("https://compute.example.org/", PAST, ALICE, 401),
        ("https://compute.example.org/", FAR, DORA, 401),
    ],
)
def test_an_access_token_counts_where_its_scope_covers_the_service(
    database: Database, scope: str | None, expires: str, user: Person, status: int
) -> None:
    token = OAuth2TokenEntry(
        client="viewer", user=user.uuid, expires=expires, access_token="an-access-token", scope=scope
    )
    load(database, StateDocument(oauth2_tokens=[token]), LOADED)
    with running(database) as caller:
        reply = ask(caller, "an-access-token", COMPUTE + "/v2.1/servers", resource=VM, charge=COMPUTE_TOKEN)
        assert reply.status == status
        if status == 200:
            told = {name: reply.headers[name.lower()] for name in ("X-Astakos-User", "X-Astakos-Client")}
            assert told == {"X-Astakos-User": ALICE.uuid, "X-Astakos-Client": "viewer"}
            assert (reply.headers["x-astakos-groups"], reply.headers["x-astakos-key"]) == ("", "")
            # Alice is in it, but the client that acts for her does not learn that.
            assert ask(caller, "an-access-token", groups="staff").status == 403
        else:
            error = "insufficient_scope" if status == 403 else "invalid_token"
            assert reply.headers["www-authenticate"] == f'Bearer realm="astakos", error="{error}"'
        # It remains a token for nothing but services.
        assert caller.get(f"{ACCOUNT}/quotas", "an-access-token").status == 401
        assert usage(caller, ALICE.uuid) == int(status == 200)


def test_the_address_of_a_key_is_the_one_that_the_proxy_tells(database: Database) -> None:
    with running(database, proxies=TrustedProxies()) as caller:
        key = made(caller, ALICE.token, networks=["192.0.2.0/24"])["key"]
        for address, status in (("192.0.2.7", 200), ("198.51.100.1", 401), ("", 401)):
            headers = {"X-Forwarded-For": address}
            assert caller("GET", COMPUTE, key, headers=headers).status == status


def test_the_same_can_be_said_in_the_query(service: Caller) -> None:
    query = f"?Astakos-Authz-Resource={VM}&astakos-authz-charge={COMPUTE_TOKEN}&Astakos-Authz-Refuse=403"
    statuses = [ask(service, ALICE.token, f"{COMPUTE}/{query}").status for _ in range(5)]
    assert statuses == [200, 200, 200, 200, 403]


SAID = st.sampled_from(
    [
        ("Resource", SPACE),
        ("Resource", ""),
        ("Resource", "nothing.at.all"),
        ("Groups", "staff"),
        ("Groups", ""),
        ("Project", LAB),
        ("Project", "system"),
        ("Project", UNKNOWN_UUID),
        ("Charge", UNKNOWN_TOKEN),
        ("Charge", COMPUTE_TOKEN),
        ("Refuse", "403"),
        ("Refuse", "429"),
        ("Refuse", "200"),
    ]
)


@settings(max_examples=60, deadline=None)
@given(client=st.lists(SAID, max_size=4), in_query=st.booleans(), proxy_in_query=st.booleans())
def test_a_client_can_make_the_question_stricter_and_never_weaker(
    standing_service: Caller, client: list[tuple[str, str]], in_query: bool, proxy_in_query: bool
) -> None:
    """What the proxy has said refuses Bob, whatever he adds to the query or to the headers."""
    for name, value in (("Groups", "staff"), ("Project", UNKNOWN_UUID), ("Resource", "nothing.at.all")):
        said = [(name, value)]
        if name == "Project":
            said.append(("Resource", VM))
        query = [*(client if in_query else []), *(said if proxy_in_query else [])]
        headers: dict[str, str] = {}
        # The proxy's header replaces the client's.
        for key, text in [*([] if in_query else client), *([] if proxy_in_query else said)]:
            headers[f"Astakos-Authz-{key}"] = text
        path = COMPUTE + "/?" + "&".join(f"Astakos-Authz-{key}={text}" for key, text in query)
        reply = standing_service("GET", path, BOB.token, headers=headers)
        assert reply.status in (400, 403), (name, client)


@pytest.mark.every_engine
def test_the_limits_of_the_key_of_a_request_count(service: Caller) -> None:
    key = made(service, ALICE.token, limits={VM: 1})
    assert ask(service, key["key"], resource=VM, project=LAB).status == 200
    assert ask(service, key["key"], resource=VM, project=LAB, charge=COMPUTE_TOKEN).status == 200
    refused = ask(service, key["key"], resource=VM, project=LAB, charge=COMPUTE_TOKEN)
    assert (refused.status, refused.headers["x-astakos-refused"]) == (429, VM)
    assert ask(service, key["key"], resource=VM, project=LAB).status == 429
    assert ask(service, ALICE.token, resource=VM, project=LAB).status == 200
    quotas = service.get(f"{ACCOUNT}/keys/{key['prefix']}/quotas", ALICE.token).document
    assert quotas == {VM: {"limit": 1, "usage": 1, "pending": 0}}
