"""How often secrets may be tried: the same count for every way in.

The service sees callers at the addresses that a proxy on this machine names. Without a name they are unknown.
"""

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from astakos.clock import MICROSECONDS
from astakos.directory.attempt_limits import (
    FEW,
    MOST_FROM_BROWSER,
    MOST_FROM_NETWORK,
    MOST_ON_ACCOUNT,
    MOST_ON_ACCOUNT_FROM_NETWORK,
    WINDOW,
)
from astakos.ledger.ports import StorageUnavailableError
from astakos.service.password_pool import PasswordPool
from astakos.storage.protocol import Database
from service.browser import FORM, Browser, page_of
from service.caller import TOKENS, Caller, Reply
from service.http.keystone.asking import TOKENS_3, by_password
from service.installation import rows, running
from service.timing import Clock
from service.world import ALICE, BASE_URL, BOB, CLIENT_SECRET, PASSWORD, UNKNOWN_UUID

pytestmark = [pytest.mark.every_engine, pytest.mark.usefixtures("quick")]

LOGIN = f"{BASE_URL}/ui/login"
MOST = MOST_ON_ACCOUNT_FROM_NETWORK
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"
Way = Callable[[Caller, str, str], Reply]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted does not depend on how long checking a password takes."""
    monkeypatch.setattr(
        "astakos.service.password_pool.password_matches", lambda _, password: password == PASSWORD
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(database: Database, clock: Clock) -> Iterator[Caller]:
    with running(database, now=clock) as caller:
        yield caller


def via(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address} if address else {}


def on_page(caller: Caller, password: str, address: str, email: str = ALICE.email) -> Reply:
    browser = Browser(caller)
    form = page_of(browser.visit(LOGIN)).fields | {"username": email, "password": password}
    return browser.send("POST", LOGIN, form, **{"X_Forwarded_For": address} if address else {})


def by_name(caller: Caller, password: str, address: str, **user: str) -> Reply:
    return caller("POST", TOKENS_3, document=by_password(password, **user), headers=via(address))


def by_uuid(caller: Caller, password: str, address: str) -> Reply:
    return by_name(caller, password, address, id=ALICE.uuid)


def in_v2(caller: Caller, token: str, address: str) -> Reply:
    auth = {"passwordCredentials": {"username": ALICE.uuid, "password": token}}
    return caller("POST", TOKENS, document={"auth": auth}, headers=via(address))


def as_client(caller: Caller, secret: str, address: str, identifier: str = "viewer") -> Reply:
    credentials = base64.b64encode(f"{identifier}:{secret}".encode()).decode()
    headers = {"Content-Type": FORM, "X-Forwarded-Proto": "https", "Authorization": f"Basic {credentials}"}
    form = {"grant_type": "authorization_code", "code": "x"}
    return caller("POST", "/oauth2/token", body=urlencode(form).encode(), headers=headers | via(address))


def asking_for_a_code(caller: Caller, secret: str, address: str, identifier: str = "viewer") -> Reply:
    credentials = base64.b64encode(f"{identifier}:{secret}".encode()).decode()
    headers = {"X-Forwarded-Proto": "https", "Authorization": f"Basic {credentials}"}
    query = urlencode({"response_type": "code", "client_id": identifier})
    return caller("GET", f"/oauth2/auth?{query}", headers=headers | via(address))


WAYS_OF_USERS: list[Way] = [on_page, by_name, by_uuid, in_v2]
WAYS_OF_CLIENTS: list[Way] = [as_client, asking_for_a_code]


def tries(caller: Caller, way: Way, times: int, address: str = HERE) -> list[int]:
    """Tries a wrong secret so often; the statuses."""
    return [way(caller, f"guess {number}", address).status for number in range(times)]


def slowed(statuses: list[int]) -> int:
    return statuses.count(429)


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("way", [*WAYS_OF_USERS, *WAYS_OF_CLIENTS])
def test_who_guesses_has_to_wait_wherever_it_is(timed: Caller, clock: Clock, way: Way) -> None:
    statuses = tries(timed, way, MOST + 2)
    assert [status == 429 for status in statuses] == [False] * MOST + [True] * 2
    refused = way(timed, "guess", HERE)
    wait = int(refused.headers["retry-after"])
    assert 0 < wait <= WINDOW // MICROSECONDS // MOST
    assert "Too many wrong attempts. Try again in 2 minutes." in refused.content.decode()
    clock.ahead = wait * MICROSECONDS
    assert slowed(tries(timed, way, 2)) == 1, "then one more"
    clock.ahead = 2 * WINDOW
    assert slowed(tries(timed, way, MOST)) == 0


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("first", WAYS_OF_USERS)
@pytest.mark.parametrize("second", WAYS_OF_USERS)
def test_all_ways_to_an_account_share_one_count(service: Caller, first: Way, second: Way) -> None:
    assert slowed(tries(service, first, MOST)) == 0
    assert second(service, "guess", HERE).status == 429


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("way", [on_page, by_name, by_uuid])
def test_a_right_password_from_elsewhere_gets_in_and_does_not_count(service: Caller, way: Way) -> None:
    assert slowed(tries(service, way, MOST + 1)) == 1
    assert way(service, PASSWORD, HERE).status == 429, "otherwise the refusal would tell that it is wrong"
    assert {way(service, PASSWORD, ELSEWHERE).status for _ in range(MOST + 2)} <= {201, 302}


def test_a_right_token_gets_in_at_any_time(service: Caller) -> None:
    assert slowed(tries(service, in_v2, MOST + 1)) == 1
    assert in_v2(service, ALICE.token, HERE).status == 200
    assert by_name(service, ALICE.token, HERE).status == 201


def test_a_right_client_secret_gets_in_and_does_not_count(service: Caller) -> None:
    for _ in range(MOST + 2):
        assert "code must be" in as_client(service, CLIENT_SECRET, HERE).document["exception"]
    assert slowed(tries(service, as_client, MOST + 1)) == 1
    assert as_client(service, CLIENT_SECRET, HERE).status == 429
    assert as_client(service, CLIENT_SECRET, ELSEWHERE).status == 400


@pytest.mark.parametrize("way", [as_client, asking_for_a_code])
def test_nobody_learns_whether_a_client_exists(
    service: Caller, way: Callable[[Caller, str, str, str], Reply]
) -> None:
    for number in range(MOST + 2):
        known, unknown = (way(service, str(number), HERE, name) for name in ("viewer", "nobody"))
        assert (known.status, known.content) == (unknown.status, unknown.content)
    assert known.status == 429


def test_nobody_learns_whether_a_user_exists(service: Caller) -> None:
    for way in (on_page, by_name):
        for number in range(MOST + 2):
            address = "192.0.2.10" if way is on_page else "192.0.2.11"
            if way is on_page:
                known, unknown = (
                    on_page(service, str(number), address, email)
                    for email in (BOB.email, "nobody@example.org")
                )
            else:
                known, unknown = (
                    by_name(service, str(number), address, id=uuid) for uuid in (BOB.uuid, UNKNOWN_UUID)
                )
            assert known.status == unknown.status
        assert known.status == 429


def test_attempts_at_the_same_time_are_counted_before_they_are_made(service: Caller) -> None:
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: by_name(service, "guess", HERE).status, range(2 * MOST)))
    assert statuses.count(401) == MOST
    assert slowed(statuses) == MOST


@pytest.mark.parametrize("way", [on_page, by_name])
def test_strangers_in_few_places_do_not_lock_a_user_out_elsewhere(service: Caller, way: Way) -> None:
    hosts = 1 + MOST_ON_ACCOUNT // (MOST - FEW)
    statuses = [
        status for host in range(hosts) for status in tries(service, by_name, MOST, f"198.51.100.{host}")
    ]
    assert slowed(statuses) > 0, "those who go on share a limit"
    for number in range(FEW - 1):
        assert way(service, f"mistyped {number}", HERE).status in (401, 403)
    assert way(service, PASSWORD, HERE).status in (201, 302)


def test_strangers_everywhere_do_not_lock_a_user_out_of_a_browser_that_is_known(service: Caller) -> None:
    known = Browser(service)
    known.log_in(ALICE.email, PASSWORD)
    known.submit(known.visit(f"{BASE_URL}/ui/logout"))
    assert slowed(tries(service, by_name, MOST_ON_ACCOUNT + 1, "")) == 1
    assert by_name(service, PASSWORD, "").status == 429
    assert known.log_in(ALICE.email, PASSWORD).status == 200
    assert known.is_logged_in()
    known.submit(known.visit(f"{BASE_URL}/ui/logout"))
    form = page_of(known.visit(LOGIN)).fields | {"username": ALICE.email, "password": "guess"}
    statuses = [known.send("POST", LOGIN, form).status for _ in range(MOST_FROM_BROWSER + 1)]
    assert statuses[-2:] == [403, 429], "there, too, passwords are not guessed"


def test_a_caller_of_an_ipv6_network_does_not_escape_within_it(service: Caller) -> None:
    statuses = [by_name(service, "guess", f"2001:db8:0:{host:x}::{host:x}").status for host in range(48)]
    assert slowed(statuses) > 0
    assert by_name(service, "guess", "2001:db8:1::1").status == 401


def test_ipv4_addresses_written_as_ipv6_are_different_callers(service: Caller) -> None:
    assert slowed(tries(service, by_name, MOST + 1, "::ffff:192.0.2.1")) == 1
    assert by_name(service, "guess", "::ffff:192.0.2.2").status == 401
    assert by_name(service, "guess", "192.0.2.1:5678").status == 429


def test_one_network_can_not_try_all_accounts(timed: Caller) -> None:
    statuses = [
        by_name(timed, "guess", HERE, name=f"user{number}@example.org").status
        for number in range(MOST_FROM_NETWORK + 1)
    ]
    assert [status == 429 for status in statuses] == [False] * MOST_FROM_NETWORK + [True]
    assert by_name(timed, PASSWORD, ELSEWHERE).status == 201


@pytest.mark.parametrize("way", [on_page, by_name])
def test_a_password_that_could_not_be_checked_does_not_count(
    database: Database, service: Caller, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def overloaded(*_: object, **__: object) -> bool:
        raise StorageUnavailableError("too many passwords are being checked")

    with monkeypatch.context() as patched:
        patched.setattr(PasswordPool, "matches", overloaded)
        assert {way(service, PASSWORD, HERE).status for _ in range(2 * MOST)} == {503}
    assert rows(database, "SELECT DISTINCT count FROM login_attempts") == [(0,)]
    assert way(service, PASSWORD, HERE).status in (201, 302)


def test_only_callers_who_were_wrong_before_are_suspect(
    service: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[tuple[str, bool]] = []

    async def matches(
        _: object, account: str, stored: str, password: str, *, is_suspect: bool, is_known: bool = False
    ) -> bool:
        judged.append((password, is_suspect))
        return password == PASSWORD

    monkeypatch.setattr(PasswordPool, "matches", matches)
    for number in range(2):
        by_name(service, f"guess {number}", HERE)
    by_name(service, PASSWORD, HERE)
    by_name(service, PASSWORD, ELSEWHERE)
    by_name(service, PASSWORD, ELSEWHERE)
    by_name(service, PASSWORD, "", id=BOB.uuid)
    found = [is_suspect for _, is_suspect in judged]
    assert found == [False, True, True, False, False, False]


@pytest.mark.parametrize("way", WAYS_OF_USERS)
def test_long_names_and_secrets_are_wrong_and_take_no_room(
    database: Database, service: Caller, way: Way
) -> None:
    assert way(service, "x" * 50_000, HERE).status in (401, 403)
    assert by_name(service, "x", HERE, name="x" * 500_000).status == 401
    assert in_v2(service, "x" * 500_000, HERE).status == 401
    assert {size for (size,) in rows(database, "SELECT length(subject) FROM login_attempts")} <= {32}


@pytest.mark.parametrize(
    "credentials",
    [
        {"username": 5, "password": "x"},
        {"username": ["a"], "password": "x"},
        {"username": "x" * 500_000, "password": "x"},
    ],
)
def test_names_of_any_kind_are_counted_without_a_fault(service: Caller, credentials: object) -> None:
    reply = service(
        "POST", TOKENS, document={"auth": {"passwordCredentials": credentials}}, headers=via(HERE)
    )
    assert reply.status == 401
