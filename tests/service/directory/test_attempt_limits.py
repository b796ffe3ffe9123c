from ipaddress import ip_address

from astakos.directory.attempt_limits import (
    FEW,
    LONGEST_NAME,
    MOST_FEW_ON_ACCOUNT,
    MOST_FROM_BROWSER,
    MOST_FROM_NETWORK,
    MOST_ON_ACCOUNT,
    MOST_ON_ACCOUNT_FROM_NETWORK,
    WINDOW,
    Attempt,
    Limit,
    Tally,
    client_account,
    unknown_account,
    user_account,
)

TEN = Limit(b"", 10)
INTERVAL = WINDOW // 10


def limits(account: str, address: str | None, browser: str | None = None, tried: int = FEW) -> set[Limit]:
    given = None if address is None else ip_address(address)
    return set(Attempt(account, given, browser).limits(tried))


def mosts(found: set[Limit]) -> list[int]:
    return sorted(limit.most for limit in found)


def test_attempts_stop_counting_one_after_the_other() -> None:
    full = Tally(1000, 10)
    assert TEN.remaining(None, 1000) == Tally(1000, 0)
    assert TEN.remaining(full, 1000) == full
    assert TEN.is_exhausted(full)
    assert TEN.allowed_again(full) == 1000 + INTERVAL
    assert TEN.remaining(full, 999 + INTERVAL) == full
    assert TEN.remaining(full, 1000 + INTERVAL) == Tally(1000 + INTERVAL, 9)
    assert not TEN.is_exhausted(TEN.remaining(full, 1000 + INTERVAL))
    assert TEN.remaining(full, 1001 + 3 * INTERVAL) == Tally(1000 + 3 * INTERVAL, 7)
    assert TEN.remaining(full, 1000 + WINDOW) == Tally(1000 + WINDOW, 0)


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    late = Tally(WINDOW, 10)
    assert TEN.remaining(late, WINDOW - 1) == late, "concurrent attempts can be counted out of order"
    assert TEN.remaining(Tally(WINDOW + 1, 10), 0) == Tally(0, 0)


def test_strangers_are_counted_by_account_and_network() -> None:
    here = limits("ada", "192.0.2.1")
    assert mosts(here) == [MOST_ON_ACCOUNT_FROM_NETWORK, MOST_ON_ACCOUNT, MOST_FROM_NETWORK]
    assert mosts(here & limits("ada", "192.0.2.2")) == [MOST_ON_ACCOUNT]
    assert mosts(here & limits("bob", "192.0.2.1")) == [MOST_FROM_NETWORK]
    assert here.isdisjoint(limits("bob", "192.0.2.2"))


def test_the_first_attempts_from_a_network_do_not_count_with_those_of_others() -> None:
    first = limits("ada", "192.0.2.1", tried=FEW - 1)
    assert mosts(first) == [MOST_ON_ACCOUNT_FROM_NETWORK, MOST_FROM_NETWORK, MOST_FEW_ON_ACCOUNT]
    assert mosts(first & limits("ada", "192.0.2.2", tried=0)) == [MOST_FEW_ON_ACCOUNT]


def test_what_is_not_known_is_counted_by_account_alone() -> None:
    (account,) = limits("ada", None, tried=0)
    assert account.subject in {limit.subject for limit in limits("ada", "192.0.2.1")}
    assert Attempt("ada", None).place is None


def test_wider_ipv6_networks_have_wider_limits() -> None:
    here = limits("ada", "2001:db8:1:2::1")
    assert here == limits("ada", "2001:db8:1:2:ffff::1")
    assert mosts(here) == [10, 20, 40, 60, 100, 200, 400]
    assert mosts(here & limits("ada", "2001:db8:1:3::1")) == [20, 40, 60, 200, 400]
    assert mosts(here & limits("ada", "2001:db8:1:1000::1")) == [40, 60, 400]
    assert mosts(here & limits("ada", "2001:db8:2:2::1")) == [60]


def test_the_place_of_an_attempt_is_its_widest_network() -> None:
    place = Attempt("ada", ip_address("2001:db8:1:2::1")).place
    assert place == Attempt("ada", ip_address("2001:db8:1:3::1")).place
    assert place != Attempt("bob", ip_address("2001:db8:1:2::1")).place


def test_a_browser_that_is_known_counts_for_itself() -> None:
    known = limits("ada", "192.0.2.1", "a browser")
    assert mosts(known) == [MOST_FROM_BROWSER]
    assert known == limits("ada", "192.0.2.2", "a browser")
    assert known.isdisjoint(limits("ada", "192.0.2.1"))
    assert known.isdisjoint(limits("ada", "192.0.2.1", "another browser"))


def test_keys_are_hashes_of_bounded_names() -> None:
    long = "x" * LONGEST_NAME
    for named in (user_account, unknown_account, client_account):
        assert limits(named(long), None) == limits(named(long + "y"), None)
        assert len(named(long * 1000)) < LONGEST_NAME + 10
    assert {len(limit.subject) for limit in limits(user_account(long), "192.0.2.1")} == {32}


def test_no_name_counts_for_another() -> None:
    accounts = [user_account("a"), unknown_account("a"), client_account("a"), user_account("a 192.0.2.1")]
    assert len({limit for account in accounts for limit in limits(account, None)}) == len(accounts)
    assert limits("ada\udcff", None) != limits("ada", None)
