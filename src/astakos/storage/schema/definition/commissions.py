"""Tables of commissions, pending and resolved, and of the engines that write them.

They have no foreign keys, for the reason that `holdings.py` gives.
"""

from sqlalchemy import Index, Sequence

from astakos.storage.schema.definition.parts import binary, metadata, number, partial_index, table, text

# Pending commissions. They are few, and soon move to the log. `provisions` is a document
# (`storage/tables/provisions.py`), because it is only read and written as a whole.
pending_commissions = table(
    "pending_commissions",
    number("component_id", primary_key=True),
    number("serial", primary_key=True),
    text("name"),
    number("issue_time"),
    number("expires", nullable=True),
    text("provisions"),
    partial_index("expiring_commissions", "expires", where="expires IS NOT NULL"),
    has_rowid=False,
)

# The log of resolved commissions: rows are added and never changed.
resolved_commissions = table(
    "resolved_commissions",
    number("component_id", primary_key=True),
    number("serial", primary_key=True),
    text("name"),
    number("issue_time"),
    number("resolve_time"),
    text("verdict"),
    text("provisions"),
    has_rowid=False,
)

# The index of a holder's history: a row for each holder in a resolved commission that draws from a source,
# usually one.
commission_holders = table(
    "commission_holders",
    text("holder", primary_key=True),
    number("serial", primary_key=True),
    number("component_id"),
    has_rowid=False,
)

# On databases with several writers: each engine and the number of its last transaction.
engines = table(
    "engines",
    text("id", primary_key=True),
    number("batch"),
    number("time"),
)

# On databases with several writers, serials come from this sequence; SQLite counts them in `settings`.
commission_serials = Sequence("commission_serials", metadata=metadata)

# Commissions issued with an idempotency key; the commission may have been resolved since. Other calls and
# forms that have made something are here as well, as those of component 0 (`storage/tables/made_once.py`).
idempotency_keys = table(
    "idempotency_keys",
    number("component_id", primary_key=True),
    text("key", primary_key=True),
    binary("fingerprint"),
    number("serial"),
    number("time"),
    # What was granted of an issue that asked for as much as there is room for.
    text("granted", nullable=True),
    Index("idempotency_keys_by_time", "time"),
    has_rowid=False,
)
