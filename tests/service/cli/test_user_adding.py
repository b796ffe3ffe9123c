from pathlib import Path

import pytest

from astakos.cli.people_file import MOST_PEOPLE
from astakos.directory.mail_addresses import refuse_new_address
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller
from service.command import astakos
from service.installation import all_rows
from service.world import ALICE

pytestmark = pytest.mark.first_on_every_engine

PEOPLE = """email,first-name,last-name,group,group
ada@example.org,Ada,Lovelace,staff,new
"barbara@example.org","Barbara, B.",,,
"""


def file_of(folder: Path, text: str) -> str:
    path = folder / "people.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_everybody_in_a_file_is_added(database: Database, tmp_path: Path) -> None:
    added = astakos(database, "user", "add", "--from", file_of(tmp_path, PEOPLE), "--json")
    assert (added.status, added.errors) == (0, "")
    assert [one.keys() for one in added.document] == [{"email", "uuid"}] * 2
    ada, barbara = (
        astakos(database, "user", "show", one["uuid"], "--json").document for one in added.document
    )
    assert (ada["email"], ada["name"], ada["groups"]) == ("ada@example.org", "Ada Lovelace", ["staff", "new"])
    assert (barbara["name"], barbara["groups"], barbara["token_created"]) == ("Barbara, B.", [], None)


def test_tokens_are_made_if_asked_for(database: Database, service: Caller, tmp_path: Path) -> None:
    added = astakos(database, "user", "add", "--from", file_of(tmp_path, PEOPLE), "--tokens", "--json")
    for one in added.document:
        assert service.get(f"{ACCOUNT}/authenticate", one["token"]).document["uuid"] == one["uuid"]


@pytest.mark.parametrize(
    "text",
    ["\ufeffemail;first-name\r\nada@example.org;Ada\r\n", "Email , First-Name\n\nada@example.org, Ada\n\n"],
)
def test_files_of_spreadsheets_are_understood(database: Database, text: str) -> None:
    added = astakos(database, "user", "add", "--from", "-", stdin=text)
    assert added.status == 0
    shown = astakos(database, "user", "show", "ada@example.org", "--json").document
    assert shown["name"] == "Ada"


def test_each_wrong_line_is_named_and_nobody_is_added(database: Database) -> None:
    before = all_rows(database)
    text = "email,first-name\nok@example.org,O\nada,A\nOK@example.org,P\nbob@example.org\n<b>@example.org,B\n"
    done = astakos(database, "user", "add", "--from", "-", stdin=text)
    assert done.status == 1
    assert done.errors.splitlines() == [
        "Error: nobody was added, because of standard input:",
        "  line 3: 'ada' is no address of a user: it must be an email address like alice@example.org",
        "  line 4: OK@example.org is in line 2 already; leave one out",
        "  line 5: it has 1 cell, and the header 2; put a text with the separator into double quotes",
        f"  line 6: '<b>@example.org' is no address of a user: {refuse_new_address('<b>@example.org')}",
    ]
    assert all_rows(database) == before


def test_whoever_exists_is_named_and_nobody_is_added(database: Database) -> None:
    before = all_rows(database)
    text = f"email\nada@example.org\n{ALICE.email.upper()}\n"
    done = astakos(database, "user", "add", "--from", "-", stdin=text)
    assert done.status == 1
    assert f"line 3: the user '{ALICE.email.upper()}' already exists" in done.errors
    assert all_rows(database) == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no column email"),
        ("email\n", "names nobody"),
        ("name,email\n", "has the column 'name'; the first line must name the columns"),
        ("email,email\n", "has the column email twice"),
        ('email\n"ada@example.org\n', "is not CSV in line 2"),
        ("email\na\0@example.org\n", "line 2"),
    ],
)
def test_what_is_no_list_of_people_is_refused(database: Database, text: str, told: str) -> None:
    done = astakos(database, "user", "add", "--from", "-", stdin=text)
    assert done.status == 1
    assert told in done.errors


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("ada@example.org", "--tokens"),
        ("ada@example.org", "--from", "-"),
        ("--from", "-", "--group", "staff"),
        ("--from", "-", "--token-only"),
    ],
)
def test_one_user_and_a_file_are_two_things(database: Database, arguments: tuple[str, ...]) -> None:
    done = astakos(database, "user", "add", *arguments, stdin=PEOPLE)
    assert done.status == 2
    assert "--from" in done.errors


def test_a_file_with_too_many_people_is_refused(database: Database) -> None:
    before = all_rows(database)
    text = "email\n" + "".join(f"user{number}@example.org\n" for number in range(MOST_PEOPLE + 1))
    done = astakos(database, "user", "add", "--from", "-", stdin=text)
    assert done.status == 1
    assert f"names {MOST_PEOPLE + 1} users; at most {MOST_PEOPLE} can be added at once" in done.errors
    assert all_rows(database) == before
