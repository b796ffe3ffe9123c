"""Says which resource an operator may have meant who names one that there is not."""

from difflib import get_close_matches

from astakos.ledger.meter_definitions import SEPARATOR
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry

MOST_NAMED = 5
"""How many resources are named at most."""


def no_such_resource(connection: Connection, name: str) -> str:
    """Returns that there is no resource of this name, and those with a similar one, or else any others.

    It names no command, because pages show it, too.
    """
    known = sorted(registry.scales(connection))
    counted, slash, _ = name.rpartition(SEPARATOR)
    meters = [one for one in known if slash and one.startswith(f"{counted}{SEPARATOR}")]
    similar = (meters or get_close_matches(name, known))[:MOST_NAMED]
    named = similar or known[:MOST_NAMED]
    if not named:
        return f"there is no resource {name!r}; none is registered"
    there_is = "there is" if len(named) == 1 else "there are"
    further = 0 if similar else len(known) - len(named)
    more = f" and {further} more" if further else ""
    return f"there is no resource {name!r}; {there_is} {', '.join(named)}{more}"
