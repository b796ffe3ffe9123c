import pytest

from astakos.administration.load import load
from astakos.administration.state_document import ProjectEntry, StateDocument
from astakos.http.projects import project_list
from astakos.storage.protocol import Database
from astakos.storage.tables.project_lists import PAGE
from service.caller import Caller
from service.http.projects.lives import PROJECTS, activated, create, done, listed
from service.world import ALICE, BOB, CHLOE, EDGAR, FAR, LAB, LOADED, Person

pytestmark = pytest.mark.every_engine

LAB_NAME, HALTED_NAME, CLOSED_NAME = "lab.example.org", "halted.example.org", "closed.example.org"


def system(person: Person) -> str:
    return f"system:{person.uuid}"


def test_a_list_has_the_projects_that_a_user_owns_or_belongs_to(service: Caller) -> None:
    create(service, BOB, name="asked.example.org")
    expected = [system(BOB), LAB_NAME, HALTED_NAME, "asked.example.org"]
    for query in ("", "?mode=related", "?mode=default", "?unknown=x"):
        assert listed(service, BOB, query) == expected
    assert listed(service, ALICE) == [system(ALICE), LAB_NAME, HALTED_NAME, CLOSED_NAME]


def test_administrators_see_all_projects(service: Caller) -> None:
    create(service, BOB, name="asked.example.org", private=True)
    for query in ("", "?mode=related", "?mode=active"):
        names = listed(service, CHLOE, query)
        assert {system(ALICE), LAB_NAME, HALTED_NAME, CLOSED_NAME, "asked.example.org"} <= set(names)
    assert listed(service, CHLOE, "?mode=member") == [system(CHLOE)]


def test_the_mode_active_has_public_active_projects(service: Caller) -> None:
    activated(service, name="private.example.org", private=True)
    activated(service, name="public.example.org")
    for person in (ALICE, BOB):
        assert listed(service, person, "?mode=active") == [LAB_NAME, "public.example.org"]


def test_the_mode_member_has_projects_that_the_user_can_draw_from(service: Caller) -> None:
    assert listed(service, ALICE, "?mode=member") == [system(ALICE), LAB_NAME]
    done(service, LAB, "suspend")
    assert listed(service, ALICE, "?mode=member") == [system(ALICE)]
    assert listed(service, ALICE, "?mode=member&state=suspended") == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (f"?name={LAB_NAME}", [LAB_NAME]),
        ("?name=LAB.example.org", []),
        ("?name=", []),
        ("?name=%00", []),
        ("?state=terminated", [CLOSED_NAME]),
        (f"?owner={BOB.uuid}", [HALTED_NAME]),
        (f"?owner={BOB.uuid}&state=active", []),
        (f"?owner={BOB.uuid}&state=suspended&name={HALTED_NAME}", [HALTED_NAME]),
        ("?owner=", []),
    ],
)
def test_lists_can_be_filtered(standing_service: Caller, query: str, names: list[str]) -> None:
    assert listed(standing_service, CHLOE, query) == names


@pytest.mark.parametrize(
    "query",
    ["state=", "state=foo", "state=active,suspended", "mode=", "mode=Member", "limit=0", "limit=x"],
)
def test_wrong_parameters_are_refused(standing_service: Caller, query: str) -> None:
    reply = standing_service.get(f"{PROJECTS}?{query}", BOB.token)
    assert (reply.status, reply.fault) == (400, "badRequest")


def test_only_some_see_the_last_application(service: Caller) -> None:
    activated(service)
    for person, sees in ((ALICE, True), (CHLOE, True), (BOB, False)):
        reply = service.get(f"{PROJECTS}?name=new.example.org&mode=active", person.token)
        assert [("last_application" in project) for project in reply.document] == [sees]


@pytest.mark.parametrize("person", [ALICE, CHLOE])
def test_pages_together_are_the_whole_list(service: Caller, person: Person) -> None:
    whole = service.get(PROJECTS, person.token).document
    for size in (1, 2, len(whole)):
        found = []
        page = service.get(f"{PROJECTS}?limit={size}", person.token).document
        while page:
            found += page
            page = service.get(f"{PROJECTS}?limit={size}&after={page[-1]['id']}", person.token).document
        assert found == whole
    assert service.get(f"{PROJECTS}?after=unknown", person.token).document == []


def test_a_list_is_read_in_pieces(service: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = service.get(PROJECTS, CHLOE.token).document
    assert len(whole) > 4
    monkeypatch.setattr(project_list, "PAGE", 2)
    assert service.get(PROJECTS, CHLOE.token).document == whole


def test_a_list_without_a_limit_is_bounded(service: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_list, "MOST_WITHOUT_LIMIT", 3)
    assert len(listed(service, CHLOE, "?limit=5")) == 5
    assert len(listed(service, BOB)) == 3
    reply = service.get(PROJECTS, CHLOE.token)
    assert reply.status == 400
    assert reply.message == "There are more than 3 projects. Ask for pages, with limit and after."


def test_more_projects_than_are_read_at_once_come_in_order(service: Caller, database: Database) -> None:
    many = [
        ProjectEntry(
            uuid=f"000000b0-0000-4000-8000-{number:012}",
            name=f"p{number}.example.org",
            end_date=FAR,
            owner=ALICE.uuid,
        )
        for number in range(PAGE)
    ]
    load(database, StateDocument(projects=many), LOADED)
    whole = service.get(PROJECTS, CHLOE.token).document
    assert [one["name"] for one in whole[-PAGE:]] == [one.name for one in many]
    assert all(one["last_application"]["name"] == one["name"] for one in whole[-PAGE:])


def test_tokens_are_required(service: Caller) -> None:
    assert service.get(PROJECTS).status == 401
    assert service.get(PROJECTS, EDGAR.token).status == 401
    reply = service("PUT", PROJECTS, ALICE.token, document={})
    assert (reply.status, reply.headers["allow"]) == (405, "GET,POST")
