"""What people see: whole identifiers, times to the second, and tables that fit into a terminal."""

import os
import pty
import re
import subprocess

import pytest

from astakos.cli.output import fitting, width
from astakos.cli.shown_values import Age, Moment, exact, shown
from astakos.clock import from_iso, to_iso
from astakos.storage.protocol import Database
from service.caller import Caller
from service.command import EXECUTABLE, TIMEOUT_SECONDS, environment
from service.world import ALICE, COMPUTE_TOKEN, LAB, PEOPLE, member_key, project_key

STYLE = re.compile(r"\x1b\[[0-9;]*m")
TABLES: dict[str, tuple[str, ...]] = {
    "user list": tuple(person.uuid for person in PEOPLE),
    "component list": ("astakos_account, astakos_identity, astakos_weblogin, astakos_oauth2",),
    "resource list": ("compute.total_ram", "storage.space"),
    f"quota show {ALICE.uuid}": (LAB, ALICE.uuid),
    "commission list": ("compute",),
    "commission history": (f"user:{ALICE.uuid}", f"project:{LAB}"),
}


def on_terminal(database: Database, *arguments: str, columns: int) -> list[str]:
    """Runs the command on a terminal and returns the lines that it shows."""
    ours, theirs = pty.openpty()
    shell = f'stty cols {columns}; exec "$0" "$@"'
    kept = {name: value for name, value in environment(database).items() if name != "COLUMNS"}
    with subprocess.Popen(
        ["/bin/sh", "-c", shell, EXECUTABLE, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=kept
    ) as process:
        os.close(theirs)
        content = b""
        try:
            while chunk := os.read(ours, 65536):
                content += chunk
        except OSError:  # The other end of the terminal is closed.
            pass
        os.close(ours)
        assert process.wait(TIMEOUT_SECONDS) == 0, content.decode()
    return STYLE.sub("", content.decode()).replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("command", TABLES)
def test_a_table_fits_into_80_columns_and_breaks_no_identifier(
    database: Database, service: Caller, command: str
) -> None:
    serial = service.issued(COMPUTE_TOKEN, (member_key(ALICE), 1), (project_key(), 1))
    assert service.act(COMPUTE_TOKEN, serial, "accept") == 200
    service.issued(COMPUTE_TOKEN, (member_key(ALICE), 1), (project_key(), 1))
    lines = on_terminal(database, *command.split(), columns=80)
    assert max(map(len, lines)) <= 80
    for identifier in TABLES[command]:
        assert any(identifier in line for line in lines)


def test_columns_that_are_left_out_are_named_and_shown_by_wide(database: Database) -> None:
    narrow = on_terminal(database, "user", "list", columns=80)
    assert narrow[0].split() == ["email", "uuid", "is", "active"]
    assert narrow[-1] == "(not shown: name, token expires; use --wide)"
    for lines in (
        on_terminal(database, "user", "list", "--wide", columns=80),
        on_terminal(database, "user", "list", columns=200),
    ):
        assert lines[0].split() == ["email", "uuid", "name", "is", "active", "token", "expires"]
        assert len(lines) == 1 + len(PEOPLE)


def test_an_identifier_is_whole_on_the_smallest_terminal(database: Database) -> None:
    lines = on_terminal(database, "user", "list", columns=20)
    assert any(ALICE.uuid in line for line in lines)


def test_columns_go_in_the_given_order_until_the_others_fit() -> None:
    widths = {"uuid": 36, "name": 20, "time": 20}
    assert fitting(widths, ("time", "name"), 80) == ["uuid", "name", "time"]
    assert fitting(widths, ("time", "name"), 79) == ["uuid", "name"]
    assert fitting(widths, ("time", "name"), 57) == ["uuid"]
    assert fitting(widths, ("time", "name"), 10) == ["uuid"]


def test_wide_characters_take_up_two_columns() -> None:
    assert (width("abc"), width("größe"), width("名前")) == (3, 5, 4)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (7500, "2 h 5 min"),
        (86399, "23 h 59 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_an_age_is_told_in_its_largest_units_and_exactly_in_json(seconds: int, text: str) -> None:
    assert shown(Age(seconds)) == text
    assert exact({"age": Age(seconds)}) == {"age": seconds}


def test_a_time_is_told_to_the_second_can_be_given_again_and_is_exact_in_json() -> None:
    instant = from_iso("2031-02-03T04:05:06.789012+00:00")
    text = shown(Moment(instant))
    assert text == "2031-02-03 04:05:06Z"
    assert to_iso(from_iso(text)) == "2031-02-03T04:05:06+00:00"
    assert exact([Moment(instant)]) == ["2031-02-03T04:05:06.789012+00:00"]
    assert shown(Moment(-1)) == "1969-12-31 23:59:59Z"
