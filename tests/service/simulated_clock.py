"""A clock that tests set, on databases whose own clock decides."""

from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.installation import rows

SIMULATION = (
    "CREATE SCHEMA simulated",
    "CREATE TABLE simulated.clock (instant bigint NOT NULL)",
    "INSERT INTO simulated.clock VALUES (0)",
    """
    CREATE FUNCTION simulated.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT timestamptz 'epoch' + instant * interval '1 microsecond' FROM simulated.clock $$
    """,
    # Without its name, the system's own schema comes first.
    """
    DO $$ BEGIN
        EXECUTE format(
            'ALTER DATABASE %I SET search_path = simulated, pg_catalog, public', current_database()
        );
    END $$
    """,
)


class SimulatedClock:
    """The time of a database; on SQLite, callers pass it."""

    def __init__(self, database: Database, now: int) -> None:
        self._database = database
        self._is_servers = not isinstance(database, SQLiteDatabase)
        if self._is_servers:
            for statement in SIMULATION:
                rows(database, statement)
        self.set(now)

    def set(self, now: int) -> None:
        self.now = now
        if self._is_servers:
            rows(self._database, "UPDATE simulated.clock SET instant = ?", now)
