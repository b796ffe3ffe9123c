"""What periods of budgets have left over for the next ones (`ledger/meters.py`)."""

from astakos.ledger.meters import Rolled
from astakos.storage.protocol import Connection

FIND = "SELECT start, amount FROM rollovers WHERE holding_id = ?"
LIST = "SELECT holding_id, start, amount FROM rollovers"
SAVE = """
INSERT INTO rollovers (holding_id, start, amount) VALUES (?, ?, ?)
ON CONFLICT (holding_id) DO UPDATE SET start = excluded.start, amount = excluded.amount
"""


def find(connection: Connection, holding: int) -> Rolled | None:
    """Returns what was last left over on a holding of a meter, given by id."""
    row = connection.execute(FIND, (holding,)).fetchone()
    return None if row is None else Rolled(*row)


def list_all(connection: Connection) -> dict[int, Rolled]:
    """Returns what was last left over on all holdings, by id."""
    return {identifier: Rolled(*over) for identifier, *over in connection.execute(LIST)}
