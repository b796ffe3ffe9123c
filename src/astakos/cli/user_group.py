"""`astakos user`: the accounts of users, and what belongs to them, on the database."""

from astakos.cli.lazy_group import LazyGroup

ACCOUNTS = {
    "add": "astakos.cli.user_adding:add",
    "list": "astakos.cli.user_commands:list_",
    "show": "astakos.cli.user_commands:show",
}
PERSONS = {
    "delete": "astakos.cli.person_commands:delete",
    "export": "astakos.cli.person_commands:export",
}
STATES = {
    name: f"astakos.cli.user_state_commands:{name}" for name in ("accept", "activate", "deactivate", "reject")
}
SECRETS = {
    "invite": "astakos.cli.invite_command:invite",
    "password": "astakos.cli.user_commands:password",
    "sessions": "astakos.cli.user_state_commands:sessions_",
    "token": "astakos.cli.user_commands:token",
}
ADMINISTRATORS = {
    "admins": "astakos.cli.administrator_commands:admins",
    "grant-admin": "astakos.cli.administrator_commands:grant",
    "revoke-admin": "astakos.cli.administrator_commands:revoke",
}

user = LazyGroup(
    "user",
    help="""Manage the accounts of users.

    Each command names a user by email address or uuid.
    """,
    targets={**ACCOUNTS, **STATES, **PERSONS, **SECRETS, **ADMINISTRATORS},
    sections={
        "Accounts": ACCOUNTS,
        "Accept, reject, stop and revive": STATES,
        "What is known of a person": PERSONS,
        "Passwords, tokens and logins": SECRETS,
        "Administrators": ADMINISTRATORS,
    },
)
