"""Projects within projects: applied for, charged along the chain, and moved with what they use."""

import json
from typing import Any

import pytest

from astakos.ledger.counts import MOST_LEVELS
from astakos.ledger.rules import UNLIMITED, Key
from astakos.storage.protocol import Database
from astakos.storage.tables import nested_projects
from astakos.storage.tables.history import Wanted, read_history
from astakosclient import AstakosClient, errors
from service.caller import ACCOUNT, COMMISSIONS, Caller, Reply
from service.command import astakos
from service.http.projects.lives import PROJECTS, act, activated, create, done, modify, show
from service.installation import holdings, rows
from service.world import ALICE, BOB, CHLOE, COMPUTE_TOKEN, LAB, UNKNOWN_UUID, VM, member_key, project_key

pytestmark = pytest.mark.every_engine

EVENTS = "SELECT kind, actor, project, reason, before, after FROM events WHERE kind = 'project.moved'"


def limits(project: int, member: int | None = None) -> dict[str, Any]:
    capacity = {"project_capacity": project, "member_capacity": project if member is None else member}
    return {"resources": {VM: capacity}}


def tree(service: Caller, *, top: int = 6, middle: int = 10, bottom: int = 10) -> tuple[str, str, str]:
    """An organization, a department within it, and a team within that, of which Alice is a member."""
    organization = activated(service, name="org.example.org", **limits(top))
    department = activated(service, name="dep.example.org", parent=organization, **limits(middle))
    team = activated(service, name="team.example.org", parent=department, **limits(bottom))
    enroll(service, team)
    return organization, department, team


def enroll(service: Caller, project: str) -> None:
    body = {"enroll": {"project": project, "user": ALICE.email}}
    assert service.post(f"{PROJECTS}/memberships", ALICE.token, body).status == 200


def charge(service: Caller, project: str, quantity: int, **more: Any) -> Reply:
    keys = member_key(ALICE, project), project_key(project)
    provisions = [{**key._asdict(), "quantity": quantity} for key in keys]
    return service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": provisions, "auto_accept": True, **more})


def usage(database: Database, *projects: str, resource: str = VM) -> list[int]:
    found = holdings(database)
    for key in (project_key(one, resource) for one in projects):
        assert found[key].pending == 0
    return [found[project_key(one, resource)].usage_max for one in projects]


def over_limit(reply: Reply) -> dict[str, Any]:
    assert reply.status == 413, reply.content
    data: dict[str, Any] = reply.document["overLimit"]["data"]
    return data


def history(database: Database, project: str) -> list[tuple[str, str, int]]:
    """What operators see of a project."""
    with database.snapshot() as connection:
        entries = read_history(connection, Wanted(holder=f"project:{project}"), 10).entries
    return [(one.component, one.name, one.settled) for one in entries]


def test_a_charge_of_a_team_counts_on_all_above_and_a_refusal_says_whose_limit_it_is(
    service: Caller, database: Database
) -> None:
    organization, department, team = tree(service)
    assert show(service, team)["parent"] == department
    assert "parent" not in show(service, organization)
    assert charge(service, team, 4, name="start").status == 201
    assert usage(database, organization, department, team) == [4, 4, 4]
    reply = charge(service, team, 3)
    data = over_limit(reply)
    assert data == {
        "name": "NoCapacityError",
        "provision": {**project_key(organization)._asdict(), "quantity": 3},
        "usage": 4,
        "limit": 6,
        "level": "parent",
    }
    assert f"project:{organization}, a parent of the project" in reply.document["overLimit"]["message"]
    assert "level" not in over_limit(charge(service, team, 11))
    assert reply.headers["astakos-level"] == "parent"
    assert charge(service, team, 11).headers["astakos-level"] == "user"
    assert history(database, organization) == [("compute", "start", 4)]
    quotas = service.get(f"{ACCOUNT}/service_project_quotas", COMPUTE_TOKEN).document
    assert quotas[organization][VM]["project_usage"] == 4
    assert over_limit(charge(service, team, -5))["provision"]["holder"] == f"user:{ALICE.uuid}"


def test_a_release_that_a_parent_does_not_cover_names_the_parent(service: Caller) -> None:
    organization, _, team = tree(service)
    charge(service, team, 4)
    provisions = [{**project_key(organization)._asdict(), "quantity": -2}]
    released = service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": provisions, "auto_accept": True})
    assert released.status == 201
    data = over_limit(charge(service, team, -3))
    assert (data["name"], data["level"], data["usage"]) == ("NoQuantityError", "parent", 2)


def test_what_a_parent_refused_is_told_to_the_user_who_was_to_be_charged(service: Caller) -> None:
    organization, _, team = tree(service)
    over_limit(charge(service, team, 7))
    (told,) = service.get(f"{ACCOUNT}/quotas/refusals", ALICE.token).document
    assert (told["level"], told["charged"]) == ("parent", f"user:{ALICE.uuid}")
    assert (told["holder"], told["available"]) == (f"project:{organization}", 6)


def test_the_client_says_whose_limit_it_is_however_a_project_is_named(service: Caller) -> None:
    organization, _, team = tree(service, bottom=8)
    client = AstakosClient(service.base_url)

    def refused(quantity: int) -> errors.QuotaLimit:
        with pytest.raises(errors.QuotaLimit) as raised:
            client.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, team, {VM: quantity})
        return raised.value

    assert (refused(7).level, refused(7).holder) == ("parent", f"project:{organization}")
    assert refused(9).level == "user"


def test_growing_beyond_the_limit_of_a_parent_names_it(service: Caller) -> None:
    organization, _, team = tree(service)
    serial = charge(service, team, 4, auto_accept=False).document["serial"]
    totals = [{**key._asdict(), "quantity": 7} for key in (member_key(ALICE, team), project_key(team))]
    body = {"grow": {"quantities": totals}}
    data = over_limit(service.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, body))
    assert (data["level"], data["provision"]["holder"]) == ("parent", f"project:{organization}")


def test_the_history_tells_apart_what_two_teams_charge_their_parent_in_one_commission(
    service: Caller,
) -> None:
    organization, department, team = tree(service)
    other = activated(service, name="other.example.org", parent=department, **limits(9))
    provisions = [
        {**project_key(project)._asdict(), "quantity": quantity}
        for project, quantity in ((team, 1), (other, 2))
    ]
    body = {"provisions": provisions, "auto_accept": True, "name": "both"}
    assert service.post(COMMISSIONS, COMPUTE_TOKEN, body).status == 201
    found, path = [], f"{COMMISSIONS}/history?limit=1"
    cursor = ""
    while True:
        page = service.get(f"{path}{cursor}", COMPUTE_TOKEN).document
        found += [(one["holder"], one["settled"]) for one in page["history"] if one["name"] == "both"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(found) == sorted(
        (f"project:{project}", quantity)
        for project, quantity in [
            (team, 1),
            (other, 2),
            (department, 1),
            (department, 2),
            (organization, 1),
            (organization, 2),
        ]
    )


def test_an_applicant_asks_for_a_parent_which_must_be_alive(service: Caller) -> None:
    organization, _, _ = tree(service)

    def refused(**fields: Any) -> str:
        reply = service.post(
            PROJECTS, BOB.token, {"name": "new.example.org", "end_date": "2098-06-01T12:00:00Z", **fields}
        )
        assert reply.status == 400
        return reply.message

    assert "no such project" in refused(parent=UNKNOWN_UUID)
    assert "no such project" in refused(parent="\0")
    assert "system project" in refused(parent=ALICE.uuid)
    unborn, _ = create(service, name="unborn.example.org")
    assert "uninitialized" in refused(parent=unborn)
    new, application = create(service, BOB, name="new.example.org", parent=organization.upper())
    done(service, organization, "terminate")
    reply = act(service, new, "approve", app_id=application)
    assert (reply.status, "reinstate it, or move the project" in reply.message) == (409, True)
    done(service, organization, "reinstate")
    done(service, organization, "suspend")
    done(service, new, "approve", app_id=application)
    assert show(service, new)["parent"] == organization


def test_a_modification_keeps_the_parent(service: Caller) -> None:
    organization, department, team = tree(service)
    reply = modify(service, team, parent=organization)
    assert (reply.status, "by moving the project" in reply.message) == (400, True)
    application = modify(service, team, parent=department, comments="x").document["application"]
    done(service, team, "approve", app_id=application)
    assert show(service, team)["parent"] == department


def test_there_are_at_most_so_many_levels(service: Caller) -> None:
    chain = [activated(service, name="n0.example.org")]
    for number in range(1, MOST_LEVELS):
        chain.append(activated(service, name=f"n{number}.example.org", parent=chain[-1]))
    above = chain[-1]
    reply = service.post(
        PROJECTS, ALICE.token, {"name": "x.example.org", "end_date": "2098-06-01T12:00:00Z", "parent": above}
    )
    assert (reply.status, f"at most {MOST_LEVELS} deep" in reply.message) == (400, True)
    reply = act(service, chain[0], "move", parent=LAB)
    assert (reply.status, "at most" in reply.message) == (409, True)
    done(service, chain[1], "move", parent=LAB)


def test_a_move_takes_usage_from_the_old_parents_to_the_new_ones(service: Caller, database: Database) -> None:
    organization, department, team = tree(service)
    other = activated(service, name="other.example.org", parent=organization, **limits(6))
    charge(service, team, 4)
    done(service, team, "move", parent=other, reason="reorganized")
    assert usage(database, organization, department, other, team) == [4, 0, 4, 4]
    assert show(service, team)["parent"] == other
    (event,) = rows(database, EVENTS)
    assert event[:4] == ("project.moved", CHLOE.uuid, team, "reorganized")
    assert [json.loads(str(one)) for one in event[4:]] == [{"parent": department}, {"parent": other}]
    assert history(database, other) == [("astakos", "project moved", 4)]
    assert history(database, department)[0] == ("astakos", "project moved", -4)
    assert history(database, organization) == [("compute", "", 4)]
    charge(service, team, -1)
    assert usage(database, organization, department, other, team) == [3, 0, 3, 3]
    done(service, other, "move", parent=department)
    assert usage(database, organization, department, other, team) == [3, 3, 3, 3]
    done(service, team, "move", parent=None)
    assert usage(database, organization, department, other, team) == [0, 0, 0, 3]
    assert charge(service, team, 7).status == 201
    assert usage(database, organization) == [0]


def test_a_move_is_refused_where_there_is_no_room_unless_it_is_forced(
    service: Caller, database: Database
) -> None:
    organization, department, team = tree(service)
    small = activated(service, name="small.example.org", **limits(3))
    charge(service, team, 4)
    reply = act(service, team, "move", parent=small)
    assert reply.status == 409
    assert "The project small.example.org has no room for 4 of compute.vm: 0 of 3 are in use" in reply.message
    assert (show(service, team)["parent"], usage(database, small, department)) == (department, [0, 4])
    done(service, team, "move", parent=small, force=True)
    assert usage(database, small, department, organization) == [4, 0, 0]
    assert over_limit(charge(service, team, 1))["provision"]["holder"] == f"project:{small}"


@pytest.mark.parametrize("quantity", [4, 0])
def test_a_project_moves_only_when_nothing_is_pending_on_it(
    service: Caller, quantity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nested_projects, "AT_A_TIME", 1)
    organization, department, team = tree(service)
    service.issued(COMPUTE_TOKEN, (member_key(ALICE), 1))
    serial = charge(service, team, quantity, auto_accept=False).document["serial"]
    for project in (team, department):
        reply = act(service, project, "move", parent=None, force=True)
        assert (reply.status, f"Commissions of {VM} are pending" in reply.message) == (409, True)
    service.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, {"reject": ""})
    done(service, department, "move", parent=None)
    done(service, team, "move", parent=organization)


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("project", "person", "parent", "status", "message"),
    [
        (UNKNOWN_UUID, CHLOE, LAB, 404, "no such project"),
        ("team", ALICE, None, 403, "project administrator"),
        (ALICE.uuid, CHLOE, LAB, 409, "system project"),
        ("team", CHLOE, UNKNOWN_UUID, 409, "no such project"),
        ("team", CHLOE, BOB.uuid, 409, "system project"),
        ("org", CHLOE, "team", 409, "circle"),
        ("org", CHLOE, "org", 409, "circle"),
        ("team", CHLOE, "dep", 409, "there already"),
        ("org", CHLOE, None, 409, "has no parent"),
    ],
)
def test_a_move_that_is_refused_changes_nothing(
    service: Caller,
    database: Database,
    project: str,
    person: Any,
    parent: str | None,
    status: int,
    message: str,
) -> None:
    names: dict[Any, str] = dict(zip(("org", "dep", "team"), tree(service), strict=True))
    reply = act(service, names.get(project, project), "move", person, parent=names.get(parent, parent))
    assert (reply.status, message in reply.message) == (status, True), reply.content
    assert rows(database, EVENTS) == []


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("value", [{}, {"parent": 5}, {"parent": None, "force": 1}, "x"])
def test_a_malformed_move_is_refused(service: Caller, value: object) -> None:
    reply = service.post(f"{PROJECTS}/{LAB}/action", CHLOE.token, {"move": value})
    assert (reply.status, reply.fault) == (400, "badRequest")


def test_a_parent_that_is_suspended_or_has_ended_stops_all_charges_below_but_no_release(
    service: Caller, database: Database
) -> None:
    organization, department, team = tree(service)
    charge(service, team, 4)
    for action, back in (("suspend", "unsuspend"), ("terminate", "reinstate")):
        done(service, organization, action)
        assert [show(service, one)["state"] for one in (department, team)] == ["active", "active"]
        reply = charge(service, team, 1)
        data = over_limit(reply)
        assert (data["level"], data["limit"]) == ("parent", 0)
        state = show(service, organization)["state"]
        assert reply.document["overLimit"]["message"].endswith(f"The parent is {state}.")
        done(service, team, action)
        reply = charge(service, team, 1)
        assert reply.document["overLimit"]["message"].endswith(f"The project is {state}.")
        done(service, team, back)
        assert charge(service, team, -1).status == 201
        done(service, organization, back)
        assert charge(service, team, 1).status == 201
    done(service, organization, "terminate")
    done(service, department, "move", parent=None)
    assert charge(service, team, 1).status == 201
    assert usage(database, organization, department, team) == [0, 5, 5]


def test_every_refusal_says_that_a_project_or_its_parent_is_suspended(service: Caller) -> None:
    organization, _, team = tree(service)
    keys = member_key(ALICE, team), project_key(team)
    serial = charge(service, team, 1, auto_accept=False).document["serial"]
    client = AstakosClient(service.base_url)
    asking = {"Astakos-Authz-Resource": VM, "Astakos-Authz-Project": team}
    more = [{**key._asdict(), "quantity": 2} for key in keys]
    many = {"commissions": [{"provisions": more}, {"provisions": more}]}
    for project, whose in ((organization, "parent"), (team, "project")):
        done(service, project, "suspend")
        grown = service.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, {"grow": {"quantities": more}})
        results = service.post(f"{COMMISSIONS}/bulk", COMPUTE_TOKEN, many).document["results"]
        bodies = [grown.document, *(one["body"] for one in results)]
        for body in bodies:
            assert body["overLimit"]["message"].endswith(f"The {whose} is suspended.")
            assert body["overLimit"]["data"]["project_state"] == "suspended"
        asked = service("GET", "/authz/compute_api", ALICE.token, headers=asking)
        assert (asked.status, asked.message.endswith(f"The {whose} is suspended.")) == (429, True)
        with pytest.raises(errors.QuotaLimit, match=f", the {whose} is suspended") as refused:
            client.issue_one_commission(COMPUTE_TOKEN, ALICE.uuid, team, {VM: 1})
        assert refused.value.project_state == "suspended"
    done(service, team, "unsuspend")
    done(service, organization, "unsuspend")
    assert "project_state" not in over_limit(charge(service, team, 7))


def test_a_resource_that_is_registered_later_is_charged_along_the_chain(
    service: Caller, database: Database
) -> None:
    organization, _, team = tree(service)
    done_ = astakos(database, "resource", "set", "compute.gpu", "--service", "compute_api", "--default", "5")
    assert done_.status == 0, done_.output
    key = Key(f"project:{team}", None, "compute.gpu")
    rows(database, 'UPDATE holdings SET "limit" = ? WHERE resource = ?', UNLIMITED, "compute.gpu")
    provisions = [{**key._asdict(), "quantity": 2}]
    reply = service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": provisions, "auto_accept": True})
    assert reply.status == 201, reply.content
    assert usage(database, organization, team, resource="compute.gpu") == [2, 2]


def test_usage_that_was_released_above_is_not_taken_away_twice(service: Caller, database: Database) -> None:
    organization, department, team = tree(service)
    charge(service, team, 4)
    for project, quantity in ((organization, -1), (department, -3)):
        provisions = [{**project_key(project)._asdict(), "quantity": quantity}]
        service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": provisions, "auto_accept": True})
    assert usage(database, organization, department, team) == [0, 1, 4]
    charge(service, team, 1)
    done(service, team, "move", parent=None)
    assert usage(database, organization, department, team) == [0, 0, 5]
