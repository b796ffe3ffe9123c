"""Says which resource an operator may have meant who names one that there is not."""

from difflib import get_close_matches

from astakos.ledger.meter_definitions import SEPARATOR
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry

MOST_NAMED = 5
"""How many resources are named at most."""


def no_such_resource(connection: Connection, name: str) -> str:
    """Returns that there is no resource of this name, and those with a similar one."""
    known = sorted(registry.scales(connection))
    counted, slash, _ = name.rpartition(SEPARATOR)
    meters = [one for one in known if slash and one.startswith(f"{counted}{SEPARATOR}")]
    similar = (meters or get_close_matches(name, known))[:MOST_NAMED]
    if not similar:
        return f"there is no resource {name!r}; `astakos resource list` shows all"
    there_is = "there is" if len(similar) == 1 else "there are"
    return f"there is no resource {name!r}; {there_is} {', '.join(similar)}"
