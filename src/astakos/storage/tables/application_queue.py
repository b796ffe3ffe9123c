"""The last applications of projects in one state, the oldest first: those that somebody can decide about."""

from astakos.projects.project import Application, ApplicationState
from astakos.storage.protocol import Connection
from astakos.storage.tables.project_applications import SELECT, read_application

MOST_COUNTED = 1000
LIST = f"""
{SELECT} WHERE a.state = ? AND a.id > ? AND NOT EXISTS (
    SELECT 1 FROM project_applications later WHERE later.project_id = a.project_id AND later.id > a.id
) ORDER BY a.id LIMIT ?
"""
COUNT = """
SELECT COUNT(*) FROM (SELECT 1 FROM project_applications WHERE state = 'pending' LIMIT ?) AS waiting
"""


def list_last(connection: Connection, state: ApplicationState, *, after: int, most: int) -> list[Application]:
    """Lists the applications in a state that no other one of the same project follows, by their numbers."""
    return [read_application(row) for row in connection.execute(LIST, (state, after, most)).fetchall()]


def count_waiting(connection: Connection) -> int:
    """Counts the applications that wait for a decision, up to `MOST_COUNTED`."""
    return int(connection.execute(COUNT, (MOST_COUNTED,)).fetchone()[0])
