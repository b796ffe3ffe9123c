"""`astakos project`: the life of shared projects and of memberships in them, on the database."""

from astakos.cli.lazy_group import LazyGroup

APPLICATIONS = "astakos.cli.project_application_commands"
MEMBERS = "astakos.cli.project_member_commands"
REPORTS = "astakos.cli.project_report_commands"
STATES = "astakos.cli.project_state_commands"

project = LazyGroup(
    "project",
    help="""Apply for shared projects, decide about them, and manage their members.

    Each command takes the UUID of a project, or its name if only one project has it.
    """,
    targets={
        "accept": f"{MEMBERS}:accept",
        "admins": "astakos.cli.project_admin_command:admins",
        "approve": f"{APPLICATIONS}:approve",
        "cancel": f"{APPLICATIONS}:cancel",
        "create": f"{APPLICATIONS}:create",
        "deny": f"{APPLICATIONS}:deny",
        "dismiss": f"{APPLICATIONS}:dismiss",
        "enroll": f"{MEMBERS}:enroll",
        "join": f"{MEMBERS}:join",
        "leave": f"{MEMBERS}:leave",
        "list": f"{REPORTS}:list_",
        "members": f"{MEMBERS}:members",
        "modify": f"{APPLICATIONS}:modify",
        "reinstate": f"{STATES}:reinstate",
        "reject": f"{MEMBERS}:reject",
        "remove": f"{MEMBERS}:remove",
        "show": f"{REPORTS}:show",
        "suspend": f"{STATES}:suspend",
        "terminate": f"{STATES}:terminate",
        "unsuspend": f"{STATES}:unsuspend",
        "usage": f"{REPORTS}:usage",
    },
)
