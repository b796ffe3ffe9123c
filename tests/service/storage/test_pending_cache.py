from astakos.ledger.operations import Pending
from astakos.ledger.rules import Key, Provision
from astakos.storage.pending_cache import MOST_PROVISIONS, PendingCache

KEY = Key("a holder", None, "a resource")


def commission(provisions: int) -> Pending:
    return Pending(1, (Provision(KEY, 1),) * provisions)


def test_commissions_are_found_until_they_are_resolved() -> None:
    cache = PendingCache()
    cache.put(5, commission(2))
    assert cache.get(5) == commission(2)
    assert cache.get(6) is None
    cache.remove(5)
    cache.remove(5)
    assert cache.get(5) is None


def test_a_few_large_commissions_are_as_much_as_many_small_ones() -> None:
    cache = PendingCache()
    large = commission(MOST_PROVISIONS // 2)
    cache.put(1, large)
    cache.put(1, large)
    cache.put(2, large)
    assert not cache.is_too_large()
    cache.put(3, commission(1))
    assert cache.is_too_large()
    cache.remove(3)
    assert not cache.is_too_large()
    cache.put(3, commission(1))
    cache.clear()
    assert not cache.is_too_large()
    assert cache.get(1) is None


def test_commissions_without_provisions_are_bounded_too() -> None:
    cache = PendingCache()
    for serial in range(MOST_PROVISIONS + 1):
        cache.put(serial, commission(0))
    assert cache.is_too_large()


def test_a_commission_is_current_while_it_is_stored_as_it_was() -> None:
    cache = PendingCache()
    cache.put(5, commission(1), "[[1,1]]")
    assert cache.is_current(5, "[[1,1]]")
    assert not cache.is_current(5, "[[1,2]]")
    assert not cache.is_current(6, "[[1,1]]")
    cache.put(5, commission(2), "[[1,2]]")
    assert cache.is_current(5, "[[1,2]]")
    assert cache[5] == commission(2)
