"""Finds out which components issued pending commissions."""

from collections.abc import Iterable, Sequence

from astakos.storage.protocol import Connection
from astakos.storage.tables.commissions import LARGEST_SERIAL

AT_A_TIME = 50
"""How many serials one statement looks up."""
PLACES = ", ".join("?" * AT_A_TIME)
FIND = f"SELECT serial FROM pending_commissions WHERE component_id = ? AND serial IN ({PLACES})"


def by_component(
    connection: Connection, serials: Sequence[int], components: Iterable[int]
) -> dict[int, list[int]]:
    """Returns the serials that are pending, by the id of the component that issued them."""
    stored = [serial for serial in serials if 0 < serial <= LARGEST_SERIAL]
    found: dict[int, list[int]] = {}
    for start in range(0, len(stored), AT_A_TIME):
        part = stored[start : start + AT_A_TIME]
        part += part[-1:] * (AT_A_TIME - len(part))
        for component in components:
            rows = connection.execute(FIND, (component, *part)).fetchall()
            if rows:
                found.setdefault(component, []).extend(serial for (serial,) in rows)
    return found
