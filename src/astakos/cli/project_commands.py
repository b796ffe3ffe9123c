"""`astakos project`: the life of shared projects and of memberships in them, on the database."""

from astakos.cli.lazy_group import LazyGroup

APPLICATIONS = {
    name: f"astakos.cli.project_application_commands:{name}"
    for name in ("approve", "cancel", "create", "deny", "dismiss", "modify")
}
STATES = {"end-expired": "astakos.cli.project_endings_command:end_expired"} | {
    name: f"astakos.cli.project_state_commands:{name}"
    for name in ("reinstate", "suspend", "terminate", "unsuspend")
}
MEMBERS = {
    name: f"astakos.cli.project_member_commands:{name}"
    for name in ("accept", "enroll", "join", "leave", "members", "reject", "remove")
}
REPORTS = {
    "list": "astakos.cli.project_report_commands:list_",
    "events": "astakos.cli.project_report_commands:events",
    "show": "astakos.cli.project_report_commands:show",
    "usage": "astakos.cli.project_report_commands:usage",
}
INVITATIONS = {
    "invite": "astakos.cli.project_invitation_commands:invite",
    "invitations": "astakos.cli.project_invitation_commands:list_",
    "revoke-invitation": "astakos.cli.project_invitation_commands:revoke",
}
OWNERSHIP = {"handover": "astakos.cli.project_handover_command:handover"}
PLACE = {"move": "astakos.cli.project_move_command:move"}
ADMINISTRATORS = {"admins": "astakos.cli.project_admin_command:admins"}

project = LazyGroup(
    "project",
    help="""Manage shared projects and their members.

    Each command takes the UUID of a PROJECT or its name: that of the active or suspended project, or else of
    the only one that asks for it. Users are named by email address or uuid. `--as USER` acts in the name of
    a user, with their rights.
    """,
    targets={
        **REPORTS,
        **APPLICATIONS,
        **STATES,
        **MEMBERS,
        **INVITATIONS,
        **OWNERSHIP,
        **PLACE,
        **ADMINISTRATORS,
    },
    sections={
        "Look": REPORTS,
        "Apply, and decide about applications": APPLICATIONS,
        "Stop and revive": STATES,
        "Members": MEMBERS,
        "Invitations": INVITATIONS,
        "Ownership": OWNERSHIP,
        "Projects within projects": PLACE,
        "Administrators": ADMINISTRATORS,
    },
)
