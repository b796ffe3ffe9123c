"""Projects and applications as documents (`http-api.md` §9)."""

from collections.abc import Mapping

from astakos.clock import to_iso
from astakos.events.event import Actor
from astakos.projects.project import Application, Capacity
from astakos.projects.visibility import sees_applications
from astakos.storage.tables.project_lists import Listed
from astakosclient.answer_types import Application as ApplicationDocument
from astakosclient.answer_types import Project as ProjectDocument
from astakosclient.answer_types import ProjectResource


def project_document(listed: Listed, actor: Actor) -> ProjectDocument:
    """Returns a project as an actor sees it."""
    project = listed.project
    document: ProjectDocument = {
        "id": project.uuid,
        "state": project.state.value,
        "creation_date": to_iso(project.creation_date),
        "name": project.name,
        "owner": project.owner,
        "homepage": project.homepage,
        "description": project.description,
        "end_date": to_iso(project.end_date),
        "join_policy": project.join_policy.value,
        "leave_policy": project.leave_policy.value,
        "max_members": project.max_members,
        "private": project.private,
        "system_project": project.system_project,
        "resources": _resources(listed.capacities),
    }
    if project.parent is not None:
        document["parent"] = project.parent
    if sees_applications(actor, project):
        if listed.last_application is not None:
            document["last_application"] = _application(listed.last_application)
        if project.deactivated is not None:
            document["deactivation_date"] = to_iso(project.deactivated)
    return document


def _application(application: Application) -> ApplicationDocument:
    return {
        "id": application.id,
        "state": application.state.value,
        "name": application.name,
        "owner": application.owner,
        "applicant": application.applicant,
        "homepage": application.homepage,
        "description": application.description,
        "start_date": _time(application.start_date),
        "end_date": _time(application.end_date),
        "comments": application.comments,
        "join_policy": application.join_policy.value if application.join_policy else None,
        "leave_policy": application.leave_policy.value if application.leave_policy else None,
        "max_members": application.max_members,
        "private": application.private,
        "resources": _resources(application.resources),
    }


def _time(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)


def _resources(capacities: Mapping[str, Capacity]) -> dict[str, ProjectResource]:
    return {
        name: {"project_capacity": capacity.project, "member_capacity": capacity.member}
        for name, capacity in capacities.items()
    }
