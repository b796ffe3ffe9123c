"""Ranks the totals of periods by resource, and finds events by time."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None
beside_old_processes = True

RANKED = sa.text("resource IS NOT NULL")
SET_RESOURCE = """
UPDATE closed_periods SET resource = (
    SELECT h.resource FROM holdings h WHERE h.id = closed_periods.holding_id AND h.source = ''
)
"""


def upgrade() -> None:
    """Adds the resource to the periods of projects' own holdings, with an index, and that of events.

    A period that an old process closes meanwhile is in no ranking.
    """
    op.add_column("closed_periods", sa.Column("resource", sa.Text))
    op.execute(SET_RESOURCE)
    op.drop_index("closed_periods_by_total", "closed_periods")
    op.create_index(
        "closed_periods_ranked",
        "closed_periods",
        ["resource", "start", "total"],
        sqlite_where=RANKED,
        postgresql_where=RANKED,
    )
    op.create_index("events_by_time", "events", ["time", "id"])
