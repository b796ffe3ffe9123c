"""Tables of holdings, and of their grants, alerts and periods.

The tables that the ledger writes have no foreign keys: components and holdings are never deleted, and each
check would cost a look-up for every row, and on PostgreSQL a lock.
"""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint

from astakos.ledger.rules import UNLIMITED
from astakos.storage.schema.definition.parts import identifier, number, partial_index, table, text

# A null source is stored as '', because a unique constraint treats nulls as distinct.
# What a project allows stands once for each resource, in its own holding: `limit` for the whole project,
# `member_limit` for each member. The `limit` of a member's holding is 0 if the member cannot draw; otherwise
# its `member_limit`, which is unlimited unless an operator allows this member less. The smaller of the two
# limits applies (`storage/tables/holdings.py`).
holdings = table(
    "holdings",
    identifier(),
    text("holder"),
    text("source"),
    text("resource"),
    number("limit"),
    number("usage_min"),
    number("usage_max"),
    # The sum of all that has been settled (`ledger/rules.py`, invariant 3): usage without what is pending.
    number("settled", default=0),
    number("member_limit", default=UNLIMITED),
    # For holdings of meters: the instant up to which time has been taken into account (`ledger/meters.py`).
    number("mark", nullable=True),
    # For holdings of projects: the one of the same resource that the project above has (`ledger/counts.py`).
    number("parent_id", nullable=True),
    UniqueConstraint("holder", "source", "resource"),
    CheckConstraint("0 <= usage_min AND usage_min <= usage_max"),
    # Leaves room for the next version of a row on its page, so that usage updates change no index. On a
    # million holdings, updates take half the time and write 40% of the log.
    postgresql_with={"fillfactor": 90},
)

# What the ledger has to tell of a holding, once in each period (`ledger/alerts.py`). `event` is the number
# that it has in the audit log; null until it is there, and 0 if it need not be.
quota_alerts = table(
    "quota_alerts",
    number("holding_id", primary_key=True),
    text("kind", primary_key=True),
    number("percent", primary_key=True),
    number("start", primary_key=True),
    number("end"),
    number("time"),
    number("usage"),
    number("limit"),
    number("event", nullable=True),
    partial_index("quota_alerts_to_record", "time", where="event IS NULL"),
    Index("quota_alerts_by_age", "end"),
    has_rowid=False,
)

RANKED = "resource IS NOT NULL"

# Periods of budgets that are over: what was settled in them on which holding.
closed_periods = table(
    "closed_periods",
    number("holding_id", primary_key=True),
    number("start", primary_key=True),
    number("end"),
    number("total"),
    number("kept_until"),
    # The resource, if the holding is a project's own; those of members and keys are in no ranking.
    text("resource", nullable=True),
    Index("closed_periods_by_age", "kept_until"),
    partial_index("closed_periods_ranked", "resource", "start", "total", where=RANKED),
    has_rowid=False,
)

# The holdings with most usage of each resource, as found last (`storage/tables/usage_leaders.py`).
usage_leaders = table(
    "usage_leaders",
    text("resource", primary_key=True),
    text("ranking", primary_key=True),
    number("holding_id", primary_key=True),
    has_rowid=False,
)

# Grants (`ledger/grants.py`). One for a user in their own project has two rows, one for each level. A row
# refers to the holding of the base, and to that of the grant, whose limit is the amount. `lifts` is a JSON
# list of names of meters. `expires` is the largest number for a grant that does not.
grants = table(
    "grants",
    number("number", primary_key=True),
    number("base_id", primary_key=True),
    number("holding_id", unique=True),
    number("priority"),
    number("starts"),
    number("expires"),
    text("lifts", nullable=True),
    text("note"),
    text("state"),
    partial_index("open_grants", "base_id", "expires", "priority", "number", where="state = 'open'"),
    partial_index("expiring_grants", "expires", where="state = 'open'"),
    has_rowid=False,
)

# What the period of a budget before the one that began at `start` has left over.
rollovers = table(
    "rollovers",
    number("holding_id", primary_key=True),
    number("start"),
    number("amount"),
    has_rowid=False,
)
