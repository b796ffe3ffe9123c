from dataclasses import replace
from typing import Any

import pytest

from astakos.clock import from_iso
from astakos.directory.entities import User
from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import Capacity, Policy
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.projects.specification import Specification, Surroundings, complete, judge

NOW = from_iso("2031-01-01T00:00:00Z")
ANN = User(1, "ann", "ann", "ann@example.org", "", "", True, True, True, False, True, "ann")
IDA = replace(ANN, uuid="ida", is_active=False)
USERS = {"ann": ANN, "ida": IDA, "mo": replace(ANN, uuid="mo", moderated=False)}
SURROUNDINGS = Surroundings(NOW, {"vm"}, USERS.get, lambda text: "\0" not in text, lambda _: None)
NEW = Specification(name="lab.example.org", end_date="2035-06-01T12:00:00Z")


def capacity(project: int, member: int) -> dict[str, Any]:
    return {"resources": {"vm": Capacity(project, member)}}


@pytest.mark.parametrize(
    "given",
    [
        {"name": "a.bc"},
        {"name": "A-1.example.ORG"},
        {"name": f"{'a' * 63}.example.org"},
        {"name": f"{'a' * 39}.{'b' * 36}.org"},
        {"owner": "ann"},
        {"homepage": "h" * 255},
        {"homepage": "HTTPS://lab.example.org"},
        {"homepage": "lab.example.org:8080"},
        {"description": "d" * 4096, "comments": "ä" * 4096},
        {"start_date": "2001-01-01T00:00:00+02:00"},
        {"end_date": "2031-01-01T00:00:00.000001Z", "start_date": "2040-01-01T00:00:00Z"},
        {"max_members": 0},
        {"max_members": UNLIMITED},
        {"private": True},
        capacity(0, 0),
        capacity(UNLIMITED, UNLIMITED),
        capacity(5, 1),
    ],
)
def test_valid_values_are_taken(given: dict[str, Any]) -> None:
    taken = judge(replace(NEW, **given), SURROUNDINGS)
    for name in given.keys() - {"start_date", "end_date"}:
        assert getattr(taken, name) == given[name]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "lab"}, "the name must look like a domain name"),
        ({"name": ""}, "the name must look like"),
        ({"name": "a.example.org."}, "the name must look like"),
        ({"name": "a_b.example.org"}, "the name must look like"),
        ({"name": "-a.example.org"}, "the name must look like"),
        ({"name": "a-.example.org"}, "the name must look like"),
        ({"name": "a.example.abcdefg"}, "the name must look like"),
        ({"name": "a.example.o1"}, "the name must look like"),
        ({"name": "ä.example.org"}, "the name must look like"),
        ({"name": "a.example.org\n"}, "the name must look like"),
        ({"name": f"{'a' * 64}.example.org"}, "the name must look like"),
        ({"name": f"{'a' * 39}.{'b' * 37}.org"}, "with at most 80 characters"),
        ({"owner": "ida"}, "the user is not active, and could not look after the project"),
        ({"owner": "mo"}, "the owner must be the UUID of an accepted user, not 'mo'"),
        ({"owner": "bert"}, "the owner must be the UUID of an accepted user, not 'bert'"),
        ({"owner": ""}, "the owner must be the UUID of an accepted user"),
        ({"homepage": "h" * 256}, "the homepage must have at most 255 characters, not 256"),
        (
            {"homepage": "javascript:alert(1)"},
            "the homepage must begin with https:// or http://, not 'javasc",
        ),
        ({"homepage": " java\tScript:alert(1)"}, "the homepage must begin with https:// or http://"),
        ({"homepage": "data:text/html,x"}, "the homepage must begin with https:// or http://"),
        ({"description": "d" * 4097}, "the description must have at most 4096 characters"),
        ({"comments": "c" * 4097}, "the comments must have at most 4096 characters"),
        ({"comments": "\0"}, "the comments must not contain NUL"),
        ({"end_date": "2035-06-01T12:00:00"}, "the end_date must be an ISO 8601 time with a time zone"),
        ({"end_date": ""}, "the end_date must be an ISO 8601 time"),
        ({"end_date": "2035-06-01"}, "the end_date must be an ISO 8601 time"),
        ({"end_date": "2031-01-01T00:00:00Z"}, "the end_date must be in the future"),
        ({"start_date": "x"}, "the start_date must be an ISO 8601 time"),
        ({"max_members": -1}, "the max_members must be from 0 to 9223372036854775807"),
        ({"max_members": UNLIMITED + 1}, "the max_members must be from 0"),
        (capacity(5, 6), "the capacities of vm must be from 0 to"),
        (capacity(-1, -1), "the capacities of vm must be"),
        (capacity(UNLIMITED + 1, 0), "the capacities of vm must be"),
        ({"resources": {"gpu": Capacity(1, 1)}}, "there is no resource 'gpu'"),
    ],
)
def test_invalid_values_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ProjectRefusedError) as refused:
        judge(replace(NEW, **given), SURROUNDINGS)
    assert refused.value.kind is RefusalKind.INVALID
    assert message in refused.value.message


def test_an_owner_who_is_not_active_any_more_can_stay_the_owner() -> None:
    assert judge(replace(NEW, owner="ida"), SURROUNDINGS._replace(present_owner="ida")).owner == "ida"


def test_a_homepage_that_a_project_has_can_be_sent_back() -> None:
    present = SURROUNDINGS._replace(present_homepage="ftp://lab.example.org")
    assert judge(replace(NEW, homepage="ftp://lab.example.org"), present).homepage == "ftp://lab.example.org"


def test_messages_repeat_only_the_beginning_of_what_is_long() -> None:
    with pytest.raises(ProjectRefusedError) as refused:
        judge(replace(NEW, name="x" * 1_000_000), SURROUNDINGS)
    assert len(refused.value.message) < 300


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("2k", 2048),
        ("2K", 2048),
        ("3M", 3 * 2**20),
        ("1g", 2**30),
        ("1T", 2**40),
        ("8191P", 8191 * 2**50),
        ("inf", UNLIMITED),
        ("0", 0),
    ],
)
def test_numbers_of_members_can_have_units(text: str, number: int) -> None:
    assert judge(replace(NEW, max_members=text), SURROUNDINGS).max_members == number


@pytest.mark.parametrize("text", ["", "abc", "-1", "1.5k", "2kb", "k", "8192P", " 1", "\u0661", "9" * 5000])
def test_other_texts_are_no_number_of_members(text: str) -> None:
    with pytest.raises(ProjectRefusedError, match="the max_members must be"):
        judge(replace(NEW, max_members=text), SURROUNDINGS)


def test_what_is_not_said_stays_open() -> None:
    taken = judge(Specification(comments="c"), SURROUNDINGS)
    application = taken.application("project", "ann", NOW)
    assert application.comments == "c"
    assert application.changes == {"comments": "c"}
    assert application.resources == {}


def test_new_projects_have_defaults() -> None:
    application = complete(judge(NEW, SURROUNDINGS), "ann").application("project", "bert", NOW)
    assert application.changes == {
        "name": "lab.example.org",
        "owner": "ann",
        "homepage": "",
        "description": "",
        "comments": "",
        "end_date": from_iso("2035-06-01T12:00:00Z"),
        "join_policy": Policy.MODERATED,
        "leave_policy": Policy.AUTO,
        "max_members": UNLIMITED,
        "private": False,
    }
    assert (application.applicant, application.start_date) == ("bert", None)


@pytest.mark.parametrize("missing", ["name", "end_date"])
def test_new_projects_need_a_name_and_an_end(missing: str) -> None:
    given: dict[str, Any] = {missing: None}
    taken = judge(replace(NEW, **given), SURROUNDINGS)
    with pytest.raises(ProjectRefusedError, match=f"the {missing} is missing; a new project needs one"):
        complete(taken, "ann")


def test_a_specification_knows_what_was_said() -> None:
    assert Specification(name="", private=False, resources={}).given == {"name", "private"}
    assert Specification(**capacity(1, 1), max_members=0).given == {"resources", "max_members"}
