"""Whoever gives a project a budget, but nothing of what it counts, is told so, and how to mend it."""

import pytest

from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Database
from astakosclient import AstakosClient, errors
from service.caller import ACCOUNT, COMMISSIONS
from service.command import Ended, astakos
from service.installation import running
from service.world import ALICE, CHLOE, COMPUTE_TOKEN

pytestmark = pytest.mark.every_engine

NAME, COST, MONTH = "budget.example.org", "jobs.cost", "jobs.cost/month"
FAULT = "each member may have 0 of jobs.cost, so jobs.cost/month can never be used"
PROJECTS = f"{ACCOUNT}/projects"
OF_MONTH = {"project_capacity": 5_000_000, "member_capacity": 3_000_000}
WHOLE = {"project_capacity": UNLIMITED, "member_capacity": UNLIMITED}


@pytest.fixture
def metered(database: Database) -> Database:
    """The world, with a resource that everybody may use, for 12.5 USD a month."""
    options = ("--unit", "USD", "--scale", "6", "--default", "unlimited", "--meter", "month=12.5")
    assert astakos(database, "resource", "set", COST, "--service", "compute_api", *options).status == 0
    return database


def project(database: Database, *arguments: str) -> Ended:
    ended = astakos(database, "project", *arguments)
    assert ended.status == 0, ended.errors
    return ended


def create(database: Database, *options: str) -> Ended:
    limits = ("--resource", MONTH, "5", "3")
    return project(
        database, "create", NAME, "--owner", ALICE.email, "--end", "2090-01-02", "--json", *limits, *options
    )


def warning(ended: Ended) -> str:
    assert ended.errors.count("\n") == 1
    assert ended.errors.startswith(f"Warning: in {NAME}, {FAULT}: ")
    return ended.errors


def test_the_command_warns_until_it_is_mended_as_it_says(metered: Database) -> None:
    assert f"astakos resource set {COST} --project-default unlimited" in warning(create(metered))
    warning(project(metered, "approve", NAME))
    warning(project(metered, "modify", NAME, "--max-members", "5"))
    warning(project(metered, "modify", NAME, "--as", ALICE.email, "--max-members", "6"))
    warning(astakos(metered, "quota", "set", NAME, MONTH, "6"))
    mends = ("modify", NAME, "--resource", COST, "unlimited", "unlimited")
    assert " ".join(("astakos project", *mends)) in warning(project(metered, "modify", NAME, "--private"))
    assert project(metered, *mends).errors == ""
    assert astakos(metered, "quota", "set", NAME, MONTH, "7").errors == ""


def test_the_command_is_silent_where_both_are_given(metered: Database) -> None:
    assert create(metered, "--approve", "--resource", COST, "unlimited", "unlimited").errors == ""


def test_with_the_default_of_projects_the_budget_is_enough(metered: Database) -> None:
    astakos(metered, "resource", "set", COST, "--project-default", "unlimited")
    assert create(metered, "--approve").errors == ""


def test_the_answer_to_an_application_warns(metered: Database) -> None:
    asked = {"name": NAME, "end_date": "2090-01-02T00:00:00Z", "resources": {MONTH: OF_MONTH}}
    with running(metered) as service:
        made = service.post(PROJECTS, ALICE.token, asked).document
        (told,) = made["warnings"]
        assert FAULT in told
        assert str(UNLIMITED) in told
        approval = {"approve": {"app_id": made["application"]}}
        place = f"{PROJECTS}/{made['id']}"
        assert service.post(f"{place}/action", CHLOE.token, approval).status == 200
        changes = {"resources": {MONTH: OF_MONTH}}
        assert service("PUT", place, ALICE.token, document=changes).document["warnings"] == [told]
        changes = {"resources": {MONTH: OF_MONTH, COST: WHOLE}}
        assert "warnings" not in service("PUT", place, ALICE.token, document=changes).document


def test_the_refusal_names_what_is_missing_and_the_budget_works_once_it_is_mended(metered: Database) -> None:
    uuid = create(metered, "--approve").document["uuid"]
    project(metered, "enroll", NAME, ALICE.email)
    with running(metered) as service, AstakosClient(service.base_url) as client:
        compute = client.bind(COMPUTE_TOKEN)
        with pytest.raises(errors.QuotaLimit) as refusal:
            compute.issue_one_commission(ALICE.uuid, uuid, {COST: 1_000_000}, auto_accept=True)
        assert f"The project gives each member 0 of {COST} itself" in str(refusal.value)
        assert f"--resource {COST} unlimited unlimited" in str(refusal.value)
        assert (refusal.value.available, refusal.value.limit) == (0, 0)
        charge = [{"holder": ALICE.uuid, "source": uuid, "resource": COST, "quantity": 1}]
        bulk = service.post(f"{COMMISSIONS}/bulk", COMPUTE_TOKEN, {"commissions": [{"provisions": charge}]})
        (one,) = bulk.document["results"]
        assert f"each member 0 of {COST} itself" in one["body"]["overLimit"]["message"]
        project(metered, "modify", NAME, "--resource", COST, "unlimited", "unlimited")
        compute.issue_one_commission(ALICE.uuid, uuid, {COST: 3_000_000}, auto_accept=True)
        with pytest.raises(errors.QuotaLimit) as refusal:
            compute.issue_one_commission(ALICE.uuid, uuid, {COST: 1}, auto_accept=True)
        assert refusal.value.resource == MONTH
