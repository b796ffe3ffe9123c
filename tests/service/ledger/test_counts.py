"""What provisions count elsewhere, as pure functions."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from astakos.ledger import rules
from astakos.ledger.counts import Above, Count, added, counts_of, settled_counts, with_counted
from astakos.ledger.meters import NO_METERS, Meters, Rate
from astakos.ledger.overage import granted
from astakos.ledger.reconciliation import corrections
from astakos.ledger.rules import Holding, Key, Provision

ROOT, LEFT, RIGHT, LOW = (Key(f"project:{name}", None, "vm") for name in ("root", "left", "right", "low"))
ABOVE: Above = {LEFT: (ROOT,), RIGHT: (ROOT,), LOW: (LEFT, ROOT)}
CHILDREN = {ROOT: (LEFT, RIGHT), LEFT: (LOW,)}
KEYS = (ROOT, LEFT, RIGHT, LOW)
RATE = Rate("vm/minute", 60)
METERS = Meters({"vm": [RATE]})

quantities = st.dictionaries(st.sampled_from(KEYS), st.integers(-9, 9), min_size=1)
commissions = st.lists(st.tuples(quantities, st.floats(0, 1)), max_size=12)


def provisions(quantities: Mapping[Key, int]) -> list[Provision]:
    return rules.merge(Provision(*item) for item in quantities.items())


def meter(key: Key) -> Key:
    return key._replace(resource=RATE.resource)


def test_a_provision_counts_on_each_project_above_and_an_import_on_their_meters() -> None:
    import_, release = Provision(LOW, 3), Provision(LOW, -3)
    assert counts_of([import_], METERS, ABOVE, 7) == (
        Count(meter(LOW), LOW, 3, 7),
        Count(LEFT, LOW, 3, None),
        Count(meter(LEFT), LOW, 3, 7),
        Count(ROOT, LOW, 3, None),
        Count(meter(ROOT), LOW, 3, 7),
    )
    assert counts_of([release], METERS, ABOVE, 7) == (
        Count(LEFT, LOW, -3, None),
        Count(ROOT, LOW, -3, None),
    )
    assert counts_of([Provision(ROOT, 3)], NO_METERS, ABOVE, 7) == ()


def test_what_a_holding_counts_on_is_known_beforehand() -> None:
    assert with_counted([LOW], METERS, ABOVE) == {*(LOW, LEFT, ROOT), *map(meter, (LOW, LEFT, ROOT))}
    assert with_counted([ROOT], NO_METERS, ABOVE) == {ROOT}


def test_growing_keeps_the_counts_of_different_projects_apart() -> None:
    before = counts_of([Provision(LEFT, 1), Provision(RIGHT, 2)], NO_METERS, ABOVE, 0)
    more = [count._replace(first=2) for count in counts_of([Provision(RIGHT, 5)], NO_METERS, ABOVE, 1)]
    assert added(before, more) == (Count(ROOT, LEFT, 1, None), Count(ROOT, RIGHT, 7, None))


def test_two_counts_of_one_import_settle_for_it_together() -> None:
    counts = Count(meter(LOW), LOW, 10, None), Count(meter(LOW), LOW, 5, 3, 10)
    assert [settled for _, settled in settled_counts(counts, {LOW: 12}, accepted=True)] == [10, 2]
    assert [settled for _, settled in settled_counts(counts, {LOW: 4}, accepted=True)] == [4, 0]
    beyond = [Count(meter(LOW), LOW, 5, 3, 15)]
    assert [settled for _, settled in settled_counts(counts, {LOW: 20}, beyond, accepted=True)] == [10, 10]
    assert [settled for _, settled in settled_counts(counts, {}, accepted=True)] == [10, 5]
    assert [settled for _, settled in settled_counts(counts, {}, accepted=False)] == [0, 0]


@given(commissions=commissions, limits=st.lists(st.integers(0, 30), min_size=4, max_size=4), data=st.data())
def test_the_invariants_hold_at_every_level(
    commissions: list[tuple[dict[Key, int], float]], limits: list[int], data: st.DataObject
) -> None:
    """Whatever is issued, and settled for whatever part in whatever order."""
    holdings = {key: Holding(limit) for key, limit in zip(KEYS, limits, strict=True)}
    pending: list[tuple[Key, int, int]] = []
    settled = dict.fromkeys(KEYS, 0)
    is_released_directly = False
    for asked, part in commissions:
        named = provisions(asked)
        counts = counts_of(named, NO_METERS, ABOVE, 0)
        counted = [Provision(count.key, count.quantity) for count in counts]
        changed = rules.issue_apart(holdings, [*named, *counted], force=False)
        if not isinstance(changed, dict):
            continue
        is_released_directly |= any(key in CHILDREN and quantity < 0 for key, quantity in named)
        holdings |= changed
        settlement = {key: int(quantity * part) for key, quantity in named}
        pending += [(key, quantity, settlement[key]) for key, quantity in named]
        pending += [
            (count.key, count.quantity, quantity)
            for count, quantity in settled_counts(counts, settlement, accepted=True)
        ]
        for _ in range(data.draw(st.integers(0, len(pending)))):
            key, quantity, part_of_it = pending.pop(data.draw(st.integers(0, len(pending) - 1)))
            holdings[key] = rules.settle(holdings[key], quantity, part_of_it)
            settled[key] += part_of_it
        for key, holding in holdings.items():
            usage_min, usage_max = holding.usage_min, holding.usage_max
            assert 0 <= usage_min <= usage_max <= holding.limit
            on_it = [quantity for other, quantity, _ in pending if other == key]
            assert usage_max == settled[key] + sum(quantity for quantity in on_it if quantity > 0)
            assert usage_min == settled[key] + sum(quantity for quantity in on_it if quantity < 0)
        if not pending and not is_released_directly:
            for parent, children in CHILDREN.items():
                assert holdings[parent].usage_max >= sum(holdings[child].usage_max for child in children)


@given(
    asked=st.dictionaries(st.sampled_from(KEYS), st.integers(0, 20), min_size=1),
    issued=st.integers(0, 5),
    free=st.lists(st.integers(-3, 40), min_size=4, max_size=4),
)
def test_what_is_granted_beyond_the_reservation_fits_at_every_level(
    asked: dict[Key, int], issued: int, free: list[int]
) -> None:
    asked = {key: issued + more for key, more in asked.items()}
    counts = counts_of([Provision(key, issued) for key in asked], NO_METERS, ABOVE, 0)
    on = {key: sum(key in (other, *ABOVE.get(other, ())) for other in asked) for key in KEYS}
    holdings = {
        key: Holding(50 + room, 50, 50 + issued * on[key]) for key, room in zip(KEYS, free, strict=True)
    }
    result = granted(holdings, dict.fromkeys(asked, issued), asked, counts, lambda _: 0, lambda *_: 0)
    extra = {key: quantity - issued for key, quantity in result.items()}
    for key, holding in holdings.items():
        more = sum(extra[other] for other in asked if key in (other, *ABOVE.get(other, ())))
        assert more == 0 or holding.usage_max + more <= holding.limit
    tightest = min(one.limit - one.usage_max for key, one in holdings.items() if on[key])
    if tightest >= sum(asked.values()) - issued * len(asked):
        assert result == asked
    if len(set(extra.values())) == 1 and max(asked.values()) - issued > max(extra.values()) >= 0:
        assert tightest < len(asked) * (max(extra.values()) + 1)


@given(
    drifts=st.dictionaries(st.sampled_from(KEYS), st.integers(-9, 9)),
)
def test_corrections_take_away_all_drift_and_change_what_is_above_as_much(drifts: dict[Key, int]) -> None:
    mending = dict(corrections(drifts, ABOVE))
    assert all(mending.get(key, 0) == -drift for key, drift in drifts.items())
    for key in KEYS:
        if key not in drifts:
            below = [child for child in CHILDREN.get(key, ()) if child in mending]
            assert mending.get(key, 0) == sum(mending[child] for child in below)
    assert 0 not in mending.values()
