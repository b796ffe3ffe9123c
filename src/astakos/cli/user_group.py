"""`astakos user`: the accounts of users, and what belongs to them, on the database."""

from astakos.cli.lazy_group import LazyGroup

ACCOUNTS = {
    "add": "astakos.cli.user_commands:add",
    "list": "astakos.cli.user_commands:list_",
    "show": "astakos.cli.user_commands:show",
}
SECRETS = {
    "password": "astakos.cli.user_commands:password",
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
    targets={**ACCOUNTS, **SECRETS, **ADMINISTRATORS},
    sections={
        "Accounts": ACCOUNTS,
        "Passwords and tokens": SECRETS,
        "Administrators": ADMINISTRATORS,
    },
)
