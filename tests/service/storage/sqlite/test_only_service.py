"""The lock of a service on its file."""

import subprocess
import sys
from pathlib import Path

SECONDS = 60
OTHER = """
import contextlib, sqlite3, sys
with contextlib.closing(sqlite3.connect(sys.argv[1])) as connection:
    connection.execute("SELECT count(*) FROM settings").fetchall()
"""
SERVICE = f"""
import subprocess, sys
from pathlib import Path
from astakos.storage.sqlite.only_service import become_only_service
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
database = SQLiteDatabase("sqlite:///" + sys.argv[1])
database.open()
def serve():
    become_only_service(database)
    return database.connect()
left_behind = serve()
left_behind.execute("CREATE TABLE IF NOT EXISTS more (x)")
subprocess.run([sys.executable, "-c", {OTHER!r}, sys.argv[1]], check=True)
print(Path(sys.argv[1] + "-wal").exists())
"""
"""A service whose command is over, while a thread that it leaves behind still has the file open."""


def test_other_programs_know_of_what_a_service_that_ends_leaves_behind(tmp_path: Path) -> None:
    path = tmp_path / "astakos.db"
    service = [sys.executable, "-c", SERVICE, str(path)]
    done = subprocess.run(service, capture_output=True, text=True, timeout=SECONDS, check=False)
    # Whoever closes a file that nobody else has locked takes away its log.
    assert (done.stdout, done.stderr) == ("True\n", "")
    # The service's own lock has ended with the process.
    again = subprocess.run(service, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert again.stderr == ""
