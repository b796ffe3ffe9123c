"""Compares what clients were told with what is in the ledger, read without the service."""

from collections import Counter

from astakos.ledger.rules import Key
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from high_availability.load import LIMIT, REJECT, RESOURCE, Wish
from service.installation import holdings
from service.stored import StoredCommission, stored_commissions


def compare(wishes: list[Wish], url: str) -> None:
    """Checks that everything acknowledged is there once, nothing else, and nothing above a limit.

    Args:
        wishes: what was asked for; all of it must have been answered.
        url: the database.

    Raises:
        AssertionError: something is not so; with what.
    """
    database = PostgreSQLDatabase(url)
    stored = database.read(stored_commissions, snapshot=True)
    figures = holdings(database)
    database.close()
    names = Counter(commission.name for commission in stored.values())
    for wish in wishes:
        assert names[wish.name] == (not wish.refused), f"{wish} is there {names[wish.name]} times"
        if not wish.refused:
            assert wish.serial in stored, f"{wish} was acknowledged and is lost"
            _compare_one(wish, stored[wish.serial])
    assert names.total() == sum(not wish.refused for wish in wishes), "there is what nobody was told of"
    used = Counter[Key]()
    for commission in stored.values():
        for provision in commission.provisions:
            used[provision.key] += provision.settled or 0
    for key, holding in figures.items():
        if key.resource == RESOURCE:
            assert holding.usage_min == holding.usage_max == used[key], f"{key}: {holding}, but {used[key]}"
            assert 0 <= used[key] <= LIMIT, f"{key} is oversold: {used[key]} of {LIMIT}"


def _compare_one(wish: Wish, stored: StoredCommission) -> None:
    assert stored.name == wish.name, f"{wish} has the serial of {stored.name}"
    verdict = "REJECT" if wish.asked == REJECT else "ACCEPT"
    assert stored.verdict == verdict, f"{wish} is {stored.verdict}"
    charged = {(provision.key.holder, provision.quantity) for provision in stored.provisions}
    holders = (f"user:{wish.holder}", f"project:{wish.holder}")
    assert charged == {(holder, wish.quantity) for holder in holders}, f"{wish} charged {charged}"
