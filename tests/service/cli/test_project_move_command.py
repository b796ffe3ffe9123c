import json

import pytest

from astakos.storage.protocol import Database
from service.command import astakos, refused
from service.world import ALICE, BOB, LAB

pytestmark = pytest.mark.every_engine

NEW = ("--owner", ALICE.email, "--end", "2035-01-01", "--approve")


def test_a_project_is_put_within_another_one_and_taken_out(database: Database) -> None:
    created = astakos(database, "project", "create", "org.example.org", *NEW)
    assert created.status == 0, created.output
    move = ("project", "move", "lab.example.org")
    for options in ((), ("--parent", "org.example.org", "--no-parent")):
        unclear = astakos(database, *move, *options)
        assert (unclear.status, "either --parent PROJECT or --no-parent" in unclear.errors) == (2, True)
    assert "no project" in refused(database, *move, "--parent", "nowhere.example.org")
    by_bob = (*move, "--parent", "org.example.org", "--as", BOB.email)
    assert "project administrator" in refused(database, *by_bob)
    done = astakos(database, *move, "--parent", "org.example.org", "--reason", "reorganized")
    assert (done.status, done.output) == (0, "lab.example.org is within org.example.org.\n")
    shown = astakos(database, "project", "show", "lab.example.org").output
    assert "org.example.org" in shown
    document = json.loads(astakos(database, "project", "show", "org.example.org", "--json").output)
    assert document["children"] == [LAB]
    listed = astakos(database, "project", "list", "--parent", "org.example.org", "--json").output
    assert [(one["name"], one["parent"]) for one in json.loads(listed)] == [
        ("lab.example.org", "org.example.org")
    ]
    done = astakos(database, *move, "--no-parent")
    assert (done.status, done.output) == (0, "lab.example.org is within no project.\n")
    assert "has no parent" in refused(database, *move, "--no-parent")


def test_a_project_is_created_within_another_one(database: Database) -> None:
    created = astakos(database, "project", "create", "new.example.org", *NEW, "--parent", "lab.example.org")
    assert created.status == 0, created.output
    assert "lab.example.org" in astakos(database, "project", "show", "new.example.org").output
    listed = astakos(database, "project", "list", "--wide")
    assert "parent" in listed.output.splitlines()[0]
