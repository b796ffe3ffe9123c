"""Standard input and output that are closed, full, or cannot show every character."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from astakos.directory.password_hashes import password_matches
from astakos.storage.protocol import Database
from astakos.storage.tables import users
from service.command import EXECUTABLE, TIMEOUT_SECONDS, Ended, astakos, ended_from_the_start, environment
from service.installation import rows
from service.world import CHLOE

FULL, CLOSED, CLOSED_ALL = ">/dev/full", ">&-", "<&- >&- 2>&-"
LATIN = "iso-8859-1"
COMMANDS = [
    ["--help"],
    ["user", "--help"],
    ["user", "list"],
    ["user", "show", "chloe@example.org"],
    ["user", "list", "--json"],
    ["resource", "set", "compute.vm", "--unit", "vm"],
    ["dump"],
    ["dump", "--archive"],
]


def redirected(database: Database, arguments: list[str], redirection: str, **more: str) -> Ended:
    done = subprocess.run(
        ["/bin/bash", "-c", f'"$0" "$@" {redirection}', EXECUTABLE, *arguments],
        env=environment(database) | more,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("redirection", "reason"), [(FULL, "No space left on device"), (CLOSED, "Bad file descriptor")]
)
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_what_cannot_be_written_is_one_line_of_error(
    database: Database, arguments: list[str], redirection: str, reason: str
) -> None:
    done = redirected(database, arguments, redirection)
    assert (done.status, done.output) == (1, "")
    (line,) = done.errors.splitlines()
    assert line.startswith("Error: standard output cannot be written: ")
    assert reason in line


def test_a_change_whose_output_is_lost_has_been_made_and_the_error_says_so(database: Database) -> None:
    done = redirected(database, ["user", "add", "new@example.org"], FULL)
    assert done.errors.endswith("changes that the command has made are kept\n")
    assert users.find_by_username(database.reader(), "new@example.org") is not None


def test_a_change_whose_output_is_interrupted_has_been_made_and_the_error_says_so(
    database: Database, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    names = [f"{number}-{'x' * 40}@example.org" for number in range(1200)]
    people.write_text("email\n" + "\n".join(names), encoding="utf-8")
    with subprocess.Popen(
        # A shell in the background lets its children ignore the signal.
        ["/usr/bin/env", "--default-signal=INT", EXECUTABLE, "user", "add", "--from", str(people)],
        env=environment(database),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as adding:
        # Nobody reads what it prints, which is more than a pipe holds.
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while users.find_by_username(database.reader(), names[-1]) is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        adding.send_signal(signal.SIGINT)
        _, errors = adding.communicate(timeout=TIMEOUT_SECONDS)
    assert adding.returncode == 1
    assert errors == (
        "Error: interrupted; changes that the command has made are kept, so look before you repeat it\n"
    )


def test_a_command_with_no_streams_at_all_leaves_the_database_whole(database: Database) -> None:
    """Its descriptors would otherwise be those of standard output."""
    assert redirected(database, ["user", "add", "new@example.org"], CLOSED_ALL).status == 1
    assert database.reader().execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert users.find_by_username(database.reader(), "new@example.org") is not None


def test_a_pipe_that_nobody_reads_is_no_traceback(database: Database) -> None:
    done = redirected(database, ["user", "list"], "| true; exit ${PIPESTATUS[0]}")
    assert "Traceback" not in done.errors


def test_what_the_locale_cannot_show_is_replaced(database: Database) -> None:
    assert astakos(database, "user", "add", "άλφα@example.org").status == 0
    rows(database, "UPDATE users SET first_name = 'C.', last_name = 'A.' WHERE uuid = ?", CHLOE.uuid)
    for arguments in (["user", "list"], ["user", "show", "άλφα@example.org"]):
        done = ended_from_the_start(database, *arguments, PYTHONIOENCODING=LATIN)
        assert (done.status, done.errors) == (0, "")
        assert "????@example.org" in done.output
    refused = ended_from_the_start(database, "user", "show", "βήτα", PYTHONIOENCODING=LATIN)
    assert (refused.status, refused.errors) == (
        1,
        "Error: there is no user '????'; name one by UUID or whole email address\n",
    )


def test_the_demo_runs_in_a_locale_without_arrows(database: Database) -> None:
    done = ended_from_the_start(database, "demo", PYTHONIOENCODING=LATIN)
    assert (done.status, done.errors) == (0, "")


def test_a_password_is_read_as_utf_8_in_any_locale(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "password"
    for content, status in (("pässwörd ✓".encode(), 0), (b"p\xe4ssw\xf6rd", 1)):
        file.write_bytes(content + b"\n")
        done = redirected(database, ["user", "password", CHLOE.email], f"<{file}", PYTHONIOENCODING=LATIN)
        assert done.status == status
    assert done.errors == "Error: the password on standard input is not in UTF-8\n"
    stored = users.find_password_hash(database.reader(), CHLOE.uuid)
    assert stored is not None
    assert password_matches(stored, "pässwörd ✓")
