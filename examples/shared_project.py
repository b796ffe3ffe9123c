"""A shared project lives its whole life: it is applied for, approved, joined, used, left, and ended.

    python examples/shared_project.py

The program starts a service of its own for that, so it needs `pip install "astakos[server]"`. Against your
service, use its URL and the tokens of your users; the administrator is one of the `project_admins` in its
settings (docs/state.md).
"""

from datetime import UTC, datetime, timedelta

from astakosclient import AstakosClient, BoundClient, errors
from astakosclient.testing import running_service


def main() -> None:
    """Start a service, add those who take part, and tell the story."""
    with running_service() as service:
        compute = service.add_service("compute", resources={"compute.vm": 0})
        ada, grace, root = (service.add_user(name) for name in ("ada", "grace", "root"))
        service.load({"settings": {"project_admins": [root.uuid]}})

        with AstakosClient(service.url, retry=2) as client:
            # A bound client has the calls without the token.
            lab = apply(client.bind(ada.token))
            approve(client.bind(root.token), lab)
            join(client.bind(grace.token), client.bind(ada.token), lab)
            use(client.bind(compute.token), client.bind(ada.token), grace.uuid, lab)
            leave(client.bind(grace.token), client.bind(compute.token), grace.uuid, lab)
            end(client.bind(root.token), client.bind(ada.token), lab)


def apply(ada: BoundClient) -> str:
    """Ada applies for a project; it exists from now on, but nobody can use it yet."""
    applied = ada.create_project(
        {
            "name": "lab.example.org",
            "description": "Where things are tried",
            "end_date": (datetime.now(UTC) + timedelta(days=365)).isoformat(),
            "join_policy": "moderated",
            "max_members": 5,
            "resources": {"compute.vm": {"project_capacity": 8, "member_capacity": 3}},
        }
    )
    lab = applied["id"]
    assert ada.get_project(lab)["state"] == "uninitialized"
    print(f"Ada has applied for lab.example.org: application {applied['application']}.")
    return lab


def approve(administrator: BoundClient, lab: str) -> None:
    """An administrator looks through what waits for a decision, and approves it."""
    for project in administrator.get_projects(state="uninitialized"):
        application = project["last_application"]
        print(f"{application['name']} asks for {application['resources']}.")
        administrator.application_action(project["id"], application["id"], "approve", "Good luck!")
    assert administrator.get_project(lab)["state"] == "active"
    print("The administrator has approved it.")


def join(grace: BoundClient, ada: BoundClient, lab: str) -> None:
    """Grace asks to join, and Ada, who owns the project, admits her."""
    # The UUID is enough to join; whoever sees the project finds it by its name.
    [found] = grace.get_projects(name="lab.example.org", mode="active")
    membership = grace.join_project(found["id"])["id"]
    assert grace.get_membership(membership)["state"] == "requested"

    for waiting in ada.get_memberships(lab):
        if "accept" in waiting["allowed_actions"]:
            ada.membership_action(waiting["id"], "accept", "Welcome")
    assert grace.get_membership(membership)["state"] == "accepted"
    try:
        grace.join_project(lab)
    except errors.Conflict as error:
        print(f"Grace is in, and cannot join again: {error.said}")


def use(compute: BoundClient, ada: BoundClient, grace: str, lab: str) -> None:
    """A service charges the project for what Grace uses; Ada sees who uses how much."""
    with compute.commission(grace, lab, {"compute.vm": 2}, name="two machines for Grace"):
        print("Two machines start.")
    try:
        compute.issue_one_commission(grace, lab, {"compute.vm": 2})
    except errors.QuotaLimit as error:
        print(f"Each member may have 3: {error.details}")

    [most] = ada.get_project_usage(lab, resource="compute.vm", sort="usage", limit=1)["usage"]
    assert (most["user"], most["usage"], most["limit"]) == (grace, 2, 3)
    print(f"Ada sees that Grace uses {most['usage']} of {most['limit']}.")


def leave(grace: BoundClient, compute: BoundClient, uuid: str, lab: str) -> None:
    """Grace leaves. What she uses stays charged until the service releases it."""
    [membership] = grace.get_memberships(lab)
    grace.membership_action(membership["id"], "leave")
    try:
        compute.issue_one_commission(uuid, lab, {"compute.vm": 1})
    except errors.QuotaLimit as error:
        print(f"Grace has left: {error.details}")
    compute.issue_one_commission(uuid, lab, {"compute.vm": -2}, auto_accept=True)


def end(administrator: BoundClient, ada: BoundClient, lab: str) -> None:
    """An administrator ends the project, whose name others can take from now on."""
    administrator.project_action(lab, "terminate", "The experiment is over")
    assert ada.get_project(lab)["state"] == "terminated"
    print("lab.example.org has ended.")


if __name__ == "__main__":
    main()
