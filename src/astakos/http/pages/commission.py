"""`ui/admin/commissions/<serial>`: one commission, pending or not, with all its provisions."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from astakos.http.faults import ItemNotFound
from astakos.http.pages.commissions import BOX, COMMISSIONS
from astakos.http.pages.holder_names import names_of
from astakos.http.pages.page_kinds import administrator_page
from astakos.http.pages.shown_provisions import Resources, ShownProvision, holders_of, shown
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.ledger.key_levels import prefix_of_holder
from astakos.ledger.operations import Verdict
from astakos.storage.protocol import Connection
from astakos.storage.tables import commissions, holdings, pending_serials, registry
from astakos.storage.tables.commissions import LARGEST_SERIAL
from astakos.storage.tables.history import Wanted, read_history

MOST_PROVISIONS: Final = 500
OUTCOMES: Final = {
    Verdict.ACCEPT: ("accepted", "good"),
    Verdict.REJECT: ("rejected", "calm"),
    Verdict.EXPIRED: ("expired", "warn"),
}
"""The word for each outcome, and the kind of its badge."""

LEVELS: Final = {"user": "the user's", "project": "the project's", "key": "the API key's"}
"""What the page calls the levels of `ShownProvision`."""


class WholeCommission(NamedTuple):
    """A commission. `outcome` and `resolve_time` are None while it is pending."""

    component: str
    name: str
    issue_time: int
    expires: int | None
    resolve_time: int | None
    outcome: Verdict | None
    key: str | None
    provisions: Sequence[ShownProvision]
    has_more: bool = False


async def commission(visit: UserVisit) -> Answer:
    """Shows the page."""
    parameter = visit.request.parameter
    serial = int(parameter) if len(parameter) <= len(str(LARGEST_SERIAL)) else 0
    resources = {one.name: one for one in await visit.service.resources()}
    found = await visit.service.read_much(_find, serial, resources) if 0 < serial <= LARGEST_SERIAL else None
    if found is None:
        raise ItemNotFound(
            f"There is no commission {parameter[:20]}, or the history does not reach back to it."
        )
    return visit.page(
        "commission.html",
        serial=serial,
        found=found,
        outcomes=OUTCOMES,
        levels=LEVELS,
        path=COMMISSIONS,
        box=BOX,
    )


def _find(connection: Connection, serial: int, resources: Resources) -> WholeCommission | None:
    return _pending(connection, serial, resources) or _resolved(connection, serial, resources)


def _pending(connection: Connection, serial: int, resources: Resources) -> WholeCommission | None:
    names = {component.id: component.name for component in registry.list_components(connection)}
    for component in pending_serials.by_component(connection, [serial], names):
        found = commissions.find_pending(connection, component, serial)
        if found is None:
            continue
        listed = found.provisions[:MOST_PROVISIONS]
        holders = names_of(connection, holders_of(provision.key for provision in listed))
        provisions = []
        for key, quantity in listed:
            row = holdings.find(connection, key)
            holding = None if row is None else row.holding
            provisions.append(shown(key, quantity, holders, resources, holding=holding))
        return WholeCommission(
            names[component],
            found.name,
            found.issue_time,
            found.expires,
            None,
            None,
            None if found.key_holder is None else prefix_of_holder(found.key_holder),
            provisions,
            len(found.provisions) > MOST_PROVISIONS,
        )
    return None


def _resolved(connection: Connection, serial: int, resources: Resources) -> WholeCommission | None:
    page = read_history(connection, Wanted(serial=serial), MOST_PROVISIONS)
    if not page.entries:
        return None
    first = page.entries[0]
    holders = names_of(connection, holders_of(entry.key for entry in page.entries))
    provisions = [
        shown(one.key, one.quantity, holders, resources, settled=one.settled, holding=one.after)
        for one in page.entries
    ]
    return WholeCommission(
        first.component,
        first.name,
        first.issue_time,
        None,
        first.resolve_time,
        first.verdict,
        None if first.key_holder is None else prefix_of_holder(first.key_holder),
        provisions,
        page.end is not None,
    )


ROUTES = (administrator_page(f"{COMMISSIONS}/{{serial}}", commission),)
