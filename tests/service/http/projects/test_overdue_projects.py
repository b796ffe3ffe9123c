"""A project that would end again at once is not revived."""

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.storage.protocol import Database
from service.caller import Caller
from service.http.projects.lives import act, create, done, modified, show
from service.installation import rows
from service.world import LAB, LOADED

pytestmark = pytest.mark.every_engine


def end_projects(database: Database, *, by_themselves: bool) -> None:
    load(database, StateDocument(settings=Settings(end_projects=by_themselves)), LOADED)


def test_a_project_is_reinstated_before_its_end_date_or_by_a_later_one(
    service: Caller, database: Database
) -> None:
    done(service, LAB, "terminate")
    rows(database, "UPDATE projects SET end_date = 1 WHERE uuid = ?", LAB)
    end_projects(database, by_themselves=True)
    reply = act(service, LAB, "reinstate")
    assert (reply.status, "change the end date first" in reply.message) == (409, True)
    done(service, LAB, "approve", app_id=modified(service, LAB, end_date="2098-01-01T00:00:00Z"))
    assert show(service, LAB)["state"] == "active"


def test_where_projects_do_not_end_by_themselves_the_end_date_does_not_matter(
    service: Caller, database: Database
) -> None:
    done(service, LAB, "terminate")
    rows(database, "UPDATE projects SET end_date = 1 WHERE uuid = ?", LAB)
    done(service, LAB, "reinstate")


def test_an_application_that_waited_too_long_is_not_approved(service: Caller, database: Database) -> None:
    project, application = create(service)
    rows(database, "UPDATE project_applications SET end_date = 1 WHERE id = ?", application)
    end_projects(database, by_themselves=True)
    reply = act(service, project, "approve", app_id=application)
    assert (reply.status, "with a later end date" in reply.message) == (409, True)
    end_projects(database, by_themselves=False)
    done(service, project, "approve", app_id=application)
