"""A CSV file of people who become users: one in each line, under a header with the names of options."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from astakos.administration.state_document import StateError
from astakos.cli.files import STANDARD, reading
from astakos.counted_nouns import counted
from astakos.directory.mail_addresses import refuse_new_address
from astakos.storage.texts import is_storable

EMAIL, FIRST_NAME, LAST_NAME, GROUP = "email", "first-name", "last-name", "group"
COLUMNS = (EMAIL, FIRST_NAME, LAST_NAME, GROUP)
MOST_PEOPLE = 2000
"""How many users one file can add: commissions wait during the one transaction."""
MOST_BYTES = 16 * 2**20
MOST_TOLD = 50
"""How many wrong lines are named at most."""


class Person(NamedTuple):
    """Somebody in a line of a file."""

    line: int
    email: str
    first_name: str
    last_name: str
    groups: list[str]


def read_people(file: Path) -> list[Person]:
    """Reads the people in a file, or in standard input if it is `-`.

    Raises:
        StateError: the file cannot be read, or lines are wrong; the message names each of them.
    """
    with reading(file) as (stream, name):
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise StateError(f"{name} has more than {MOST_BYTES // 2**20} MiB; split it")
    try:
        # Spreadsheets put a mark at the beginning.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise StateError(f"{name} is not in UTF-8; save it as CSV in UTF-8") from None
    header_line = text.partition("\n")[0]
    # Spreadsheets write semicolons where a comma is the decimal point.
    delimiter = ";" if ";" in header_line and "," not in header_line else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    people: list[Person] = []
    wrong: list[str] = []
    lines: dict[str, int] = {}
    try:
        columns = _columns(next(rows, []), name)
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            person, refusal = _person(rows.line_num, columns, cells)
            earlier = lines.setdefault(person.email.lower(), person.line)
            if not refusal and earlier != person.line:
                refusal = f"{person.email} is in line {earlier} already; leave one out"
            if refusal:
                wrong.append(f"line {person.line}: {refusal}")
            people.append(person)
    except csv.Error as error:
        raise StateError(f"{name} is not CSV in line {rows.line_num}: {error}") from None
    if wrong:
        raise wrong_lines(file, wrong)
    if not people:
        raise StateError(f"{name} names nobody; write one user in each line below the header")
    if len(people) > MOST_PEOPLE:
        raise StateError(
            f"{name} names {len(people)} users; at most {MOST_PEOPLE} can be added at once: split it"
        )
    return people


def wrong_lines(file: Path, wrong: Sequence[str]) -> StateError:
    """Returns the error that names the wrong lines of a file, because of which nobody is added."""
    name = "standard input" if str(file) == STANDARD else str(file)
    more = [f"... and {len(wrong) - MOST_TOLD} more"] if len(wrong) > MOST_TOLD else []
    return StateError("\n  ".join([f"nobody was added, because of {name}:", *wrong[:MOST_TOLD], *more]))


def _columns(header: Sequence[str], name: str) -> list[str]:
    columns = [cell.strip().lower() for cell in header]
    allowed = f"the first line must name the columns, with {EMAIL} among them: {', '.join(COLUMNS)}"
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown:
        raise StateError(f"{name} has the column {unknown[0]!r}; {allowed}")
    if EMAIL not in columns:
        raise StateError(f"{name} has no column {EMAIL}; {allowed}")
    for column in (EMAIL, FIRST_NAME, LAST_NAME):
        if columns.count(column) > 1:
            raise StateError(f"{name} has the column {column} twice; only {GROUP} can be repeated")
    return columns


def _person(line: int, columns: Sequence[str], cells: Sequence[str]) -> tuple[Person, str | None]:
    """Returns who is in a line, and what is wrong with it."""
    given = list(zip(columns, (cell.strip() for cell in cells), strict=False))
    by_column = dict(given)
    person = Person(
        line,
        by_column.get(EMAIL, ""),
        by_column.get(FIRST_NAME, ""),
        by_column.get(LAST_NAME, ""),
        [cell for column, cell in given if column == GROUP and cell],
    )
    return person, next(_refusals(person, columns, cells), None)


def _refusals(person: Person, columns: Sequence[str], cells: Sequence[str]) -> Iterator[str]:
    if len(cells) != len(columns):
        found = counted(len(cells), "cell", "cells")
        yield (
            f"it has {found}, and the header {len(columns)}; put a text with the separator into double quotes"
        )
    if not all(map(is_storable, cells)):
        yield "a text cannot contain NUL or lone surrogates"
    refusal = refuse_new_address(person.email)
    if refusal:
        yield f"{person.email!r} is no address of a user: {refusal}"
