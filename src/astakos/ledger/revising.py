"""Changes of pending commissions, and what they settle for, as pure functions over their holdings."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from astakos.ledger import rules
from astakos.ledger.counts import added
from astakos.ledger.metering import Metering
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
    """Returns what a pending commission settles for, where that is not what was issued."""
    issued, asked = dict(commission.provisions), dict(quantities)
    cannot = _first_unsettleable(issued, asked, overage)
    if cannot is not None or overage is Overage.REFUSE:
        return cannot or asked
    debt = metering.most_debt(overage)
    return granted(holdings, issued, asked, commission.counts, debt, metering.reach(holdings, debt))


def expired_settlement(
    commission: Pending, holdings: Mapping[Key, Holding], metering: Metering
) -> dict[Key, int]:
    """Returns what an expired commission settles for: what has been used so far, as far as may be."""
    issued, used = dict(commission.provisions), dict(commission.progress)
    if commission.overage is Overage.REFUSE:
        return {key: min(quantity, issued[key], key=abs) for key, quantity in used.items()}
    debt = metering.most_debt(commission.overage)
    return granted(holdings, issued, used, commission.counts, debt, metering.reach(holdings, debt))


def progressed(commission: Pending, quantities: tuple[Provision, ...]) -> Pending | CannotSettle:
    """Returns a pending commission of which so much has been used; more than was issued may have been."""
    issued = dict(commission.provisions)
    cannot = _first_unsettleable(issued, dict(quantities), Overage.DEBT)
    return cannot or replace(commission, progress=quantities)


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
    """Returns a pending commission with new totals, and the holdings that change; or the first refusal.

    A total that is already reached changes nothing, so that the request can be repeated.
    """
    before = dict(commission.provisions)
    issued = dict(before)
    more: list[Provision] = []
    for key, total in totals:
        known = issued.get(key)
        if known is None or not rules.may_settle(total, known):
            return CannotSettle(key, total, known)
        if total != known:
            more.append(Provision(key, total - known))
            issued[key] = total
    # On a key, what is new counts as what was issued did, whatever limits the key has got since.
    charged_before = commission.keys()
    counting = {key: holdings[key] for key in charged_before}
    counted = metering.counts_of(more, commission.key_holder, counting)
    charged = metering.issue(holdings, more, counted, force=force)
    if not isinstance(charged, tuple):
        return charged
    changed, counts = charged
    provisions = tuple([Provision(key, issued[key]) for key, _ in commission.provisions])
    # The units that are new follow those that were issued before.
    moved = [count._replace(first=count.first + max(0, before[count.base])) for count in counts]
    return replace(commission, provisions=provisions, counts=added(commission.counts, moved)), changed
