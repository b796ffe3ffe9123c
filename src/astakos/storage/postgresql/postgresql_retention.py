"""Deletes commissions from the log on PostgreSQL: a few statements, however many commissions."""

from collections.abc import Mapping

from astakos.storage.protocol import Connection

FIND_HOLDERS = "SELECT id, holder FROM holdings WHERE id = ANY (?)"
FORGET_HOLDERS = """
DELETE FROM commission_holders
WHERE (holder, serial) IN (SELECT * FROM unnest(CAST(? AS text[]), CAST(? AS bigint[])))
"""
FORGET_COMMISSIONS = "DELETE FROM resolved_commissions WHERE component_id = ? AND serial = ANY (?)"


def delete_together(connection: Connection, component: int, holdings: Mapping[int, set[int]]) -> None:
    """Deletes the commissions with these serials, each given with the ids of its holdings."""
    identifiers = sorted(set().union(*holdings.values()))
    holder_of = dict(connection.execute(FIND_HOLDERS, (identifiers,)).fetchall())
    pairs = sorted({(holder_of[one], serial) for serial, ones in holdings.items() for one in ones})
    connection.execute(FORGET_HOLDERS, ([holder for holder, _ in pairs], [serial for _, serial in pairs]))
    connection.execute(FORGET_COMMISSIONS, (component, list(holdings)))
