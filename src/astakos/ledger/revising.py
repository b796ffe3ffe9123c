"""Changes of pending commissions, and what they settle for, as pure functions over their holdings."""

from collections.abc import Iterable, Iterator, Mapping

from astakos.ledger import rules
from astakos.ledger.metering import Metering
from astakos.ledger.meters import Count
from astakos.ledger.operations import CannotSettle, Pending
from astakos.ledger.overage import Overage, granted
from astakos.ledger.rules import Holding, Key, Provision, Refusal


def settlement(
    commission: Pending,
    quantities: Iterable[Provision],
    overage: Overage,
    holdings: Mapping[Key, Holding],
    metering: Metering,
) -> dict[Key, int] | CannotSettle:
    """Return what a pending commission settles for, where that is not what was issued."""
    issued, asked = dict(commission.provisions), dict(quantities)
    cannot = _first_unsettleable(issued, asked, overage)
    if cannot is not None or overage is Overage.REFUSE:
        return cannot or asked
    return granted(holdings, issued, asked, commission.counts, metering.most_debt(overage))


def expired_settlement(
    commission: Pending, holdings: Mapping[Key, Holding], metering: Metering
) -> dict[Key, int]:
    """Return what an expired commission settles for: what has been used so far, as far as may be."""
    issued, used = dict(commission.provisions), dict(commission.progress)
    if commission.overage is Overage.REFUSE:
        return {key: min(quantity, issued[key], key=abs) for key, quantity in used.items()}
    return granted(holdings, issued, used, commission.counts, metering.most_debt(commission.overage))


def progressed(commission: Pending, quantities: tuple[Provision, ...]) -> Pending | CannotSettle:
    """Return a pending commission of which so much has been used; more than was issued may have been."""
    issued = dict(commission.provisions)
    cannot = _first_unsettleable(issued, dict(quantities), Overage.DEBT)
    return cannot or commission._replace(progress=quantities)


def _first_unsettleable(
    issued: Mapping[Key, int], asked: Mapping[Key, int], overage: Overage
) -> CannotSettle | None:
    for key, quantity in asked.items():
        if key not in issued:
            return CannotSettle(key, quantity, None)
        is_beyond = quantity > issued[key] >= 0
        if not (rules.may_settle(issued[key], quantity) or (is_beyond and overage is not Overage.REFUSE)):
            return CannotSettle(key, quantity, issued[key])
    return None


def grown(
    commission: Pending,
    totals: Iterable[Provision],
    holdings: Mapping[Key, Holding],
    metering: Metering,
    *,
    force: bool,
) -> tuple[Pending, dict[Key, Holding]] | Refusal | CannotSettle:
    """Return a pending commission with new totals, and the holdings that change; or the first refusal.

    A total that is already reached changes nothing, so that the request can be repeated.
    """
    issued = dict(commission.provisions)
    more: list[Provision] = []
    for key, total in totals:
        known = issued.get(key)
        if known is None or not rules.may_settle(total, known):
            return CannotSettle(key, total, known)
        if total != known:
            more.append(Provision(key, total - known))
            issued[key] = total
    counts = metering.counts_of(more)
    changed = metering.issue(holdings, more, counts, force=force)
    if not isinstance(changed, dict):
        return changed
    provisions = tuple([Provision(key, issued[key]) for key, _ in commission.provisions])
    return commission._replace(provisions=provisions, counts=_added(commission.counts, counts)), changed


def _added(before: tuple[Count, ...], more: tuple[Count, ...]) -> tuple[Count, ...]:
    """Return what a commission counts in all; once counted at issue, a part stays so (`rules.py`)."""
    counts = {(count.key, count.at_issue is None): count for count in before}
    for count in more:
        same = count.key, count.at_issue is None
        known = counts.get(same)
        counts[same] = (
            count
            if known is None
            else count._replace(quantity=known.quantity + count.quantity, at_issue=known.at_issue)
        )
    return tuple(counts.values())


def settled_counts(
    counts: Iterable[Count], quantities: Mapping[Key, int], *, accepted: bool
) -> Iterator[tuple[Count, int]]:
    """Yield what each count of a commission is settled for: what its base is settled for.

    Args:
        counts: the counts.
        quantities: what bases are settled for, where that is not what was issued, or nothing.
        accepted: whether all others are settled in full, and not for nothing.
    """
    rest = dict(quantities)
    for count in counts:
        if count.base not in quantities:
            yield count, count.quantity if accepted else 0
            continue
        # A meter whose definition changed meanwhile has two counts for one base; the second takes the rest.
        is_last = sum(other.base == count.base and other.key == count.key for other in counts) == 1
        settled = rest[count.base] if is_last else min(rest[count.base], count.quantity)
        yield count, settled
