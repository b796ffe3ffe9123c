from astakos.directory.attempt_limits import MOST_ON_ACCOUNT_FROM_ADDRESS, WINDOW, Tally, counted, limits


def subjects(*arguments: str | None) -> list[bytes]:
    username, address, browser = arguments
    return [limit.subject for limit in limits(username or "", address or "", browser)]


def test_attempts_count_together_within_a_window() -> None:
    assert counted(None, 100) == Tally(100, 1)
    assert counted(Tally(100, 7), 99 + WINDOW) == Tally(100, 8)
    assert counted(Tally(100, 7), 100 + WINDOW) == Tally(100 + WINDOW, 1)
    assert counted(Tally(100, 7), 99) == Tally(100, 8), "one that came earlier and is counted later"
    assert counted(Tally(WINDOW, 7), 0) == Tally(0, 1), "a clock that is set back locks nobody out"


def test_strangers_are_counted_in_three_ways() -> None:
    here = subjects("ada", "192.0.2.1", None)
    assert len(set(here)) == 3
    assert len(set(here) & set(subjects("ada", "192.0.2.2", None))) == 1, "the account"
    assert len(set(here) & set(subjects("bob", "192.0.2.1", None))) == 1, "the address"
    assert set(here).isdisjoint(subjects("bob", "192.0.2.2", None))
    assert next(limits("ada", "192.0.2.1", None)).most == MOST_ON_ACCOUNT_FROM_ADDRESS


def test_where_the_address_is_not_known_the_account_alone_counts() -> None:
    (account,) = subjects("ada", "", None)
    assert account in subjects("ada", "192.0.2.1", None)


def test_a_browser_that_is_known_counts_for_itself() -> None:
    known = subjects("ada", "192.0.2.1", "a browser")
    assert len(known) == 1
    assert set(known).isdisjoint(subjects("ada", "192.0.2.1", None))
    assert set(known).isdisjoint(subjects("ada", "192.0.2.1", "another browser"))
