"""What is told of a holding at most once in each period, as pure functions (`docs/notices.md`).

A *threshold* is a percentage of a limit. An import crosses it when what it settles takes what is settled on
the holding from below it to it, or beyond. What is only reserved crosses nothing: reservations are usually
too high. The first refusal in a period is told as well, and for a limit that only reports (a *shadow*), the
first import that it would have refused.

Whoever carries out a batch writes its alerts with it, so that they are told if and only if it was committed.
Periods are those of a budget; of everything else, the days of UTC.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from astakos.clock import DAY
from astakos.ledger.key_levels import prefix_of_holder
from astakos.ledger.meters import Budget, Meter, Meters, begin, resets
from astakos.ledger.rules import UNLIMITED, Holding, Key, NoCapacity, Provision

WHOLE = 100
"""What all of a limit is, in percent."""
USUAL_THRESHOLDS = (80, 100)
MOST_THRESHOLDS = 10
LARGEST_THRESHOLD = 1000
"""What is forced can take usage beyond a limit."""


class AlertKind(StrEnum):
    """What happened."""

    REACHED = "reached"
    REFUSED = "refused"
    WOULD_REFUSE = "would_refuse"


class AlertIdentity(NamedTuple):
    """What there is one alert of.

    Attributes:
        key: the holding.
        kind: what happened.
        percent: the threshold that was crossed; otherwise 0.
        start: when the period began.
    """

    key: Key
    kind: AlertKind
    percent: int
    start: int


class Alert(NamedTuple):
    """Something to tell of a holding.

    Attributes:
        identity: what there is one alert of.
        end: when the period ends.
        time: when it happened, by the clock that decides about periods.
        usage: what is settled on the holding; of imports that were, or would have been, refused, what was in
            use and reserved.
        limit: the limit of the holding.
    """

    identity: AlertIdentity
    end: int
    time: int
    usage: int
    limit: int

    @property
    def is_of_refusal(self) -> bool:
        """Whether it tells that something was refused."""
        return self.identity.kind is AlertKind.REFUSED


class Refused(NamedTuple):
    """A refusal of an import, for those who ask what was refused lately.

    Attributes:
        component: the identifier of the component that has asked.
        holder: who was to be charged: a member if there is one.
        refusal: why not.
        is_above: whether the holding without room is above the one that was to be charged.
        name: the component's name for the commission; "" for one that was to grow.
    """

    component: int
    holder: str
    refusal: NoCapacity
    is_above: bool = False
    name: str = ""


def usual_thresholds(meter: Meter | None) -> Sequence[int]:
    """Returns the thresholds of a resource that has none of its own: those of budgets, otherwise none.

    What is in use all the time would be told again and again.
    """
    return USUAL_THRESHOLDS if isinstance(meter, Budget) else ()


def refuse_thresholds(percents: Sequence[int]) -> str | None:
    """Returns why numbers cannot be the thresholds of a resource, or None."""
    if len(percents) > MOST_THRESHOLDS:
        return f"there cannot be more than {MOST_THRESHOLDS} thresholds"
    if not all(1 <= one <= LARGEST_THRESHOLD for one in percents):
        return f"a threshold must be a percentage from 1 to {LARGEST_THRESHOLD}"
    if list(percents) != sorted(set(percents)):
        return "thresholds must ascend: 50, 80, 100"
    return None


def charged(provisions: Iterable[Provision], refused: Key) -> str:
    """Returns the holder who was to be charged when a holding had no room: of a project, the member.

    Of a key, its user.
    """
    if refused.source is not None and prefix_of_holder(refused.holder) is not None:
        return refused.source
    drawing = {key.source: key.holder for key, _ in provisions if key.source is not None}
    holder = refused.holder
    # Each is taken out, so that holders that draw from each other end, too.
    while (member := drawing.pop(holder, None)) is not None:
        holder = member
    return holder


def has_thresholds(limit: int) -> bool:
    """Whether a limit is one of which a part can be reached."""
    return 0 < limit < UNLIMITED


def crossed(usage: int, settled: int, limit: int, percents: Sequence[int]) -> int:
    """Returns the highest threshold that an import has crossed; 0 if none.

    Args:
        usage: what is settled on the holding, with the import.
        settled: what the import has settled.
        limit: the limit of the holding.
        percents: the thresholds of the resource, ascending.
    """
    if settled <= 0 or not has_thresholds(limit):
        return 0
    whole, before = usage * WHOLE, (usage - settled) * WHOLE
    return max((one for one in percents if before < one * limit <= whole), default=0)


def period_of(
    key: Key, meters: Meters, marks: Mapping[Key, int | None], holding: Holding, now: int
) -> tuple[int, int]:
    """Returns when the running period of a holding, already forgiven up to `now`, begins and ends."""
    meter, mark = meters.named.get(key.resource), marks.get(key)
    if isinstance(meter, Budget):
        end = resets(meter, holding, mark, now)
        # None for a window that nothing has begun.
        if end is not None:
            return begin(meter, mark, now), end
    day = now - now % DAY
    return day, day + DAY


def new_alerts(alerts: Iterable[Alert], told: Collection[AlertIdentity]) -> list[Alert]:
    """Returns one alert of each identity that has not been told, in order."""
    found: dict[AlertIdentity, Alert] = {}
    for alert in alerts:
        if alert.identity not in told:
            found.setdefault(alert.identity, alert)
    return list(found.values())
