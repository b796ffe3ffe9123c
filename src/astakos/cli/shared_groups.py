"""`astakos quota` and `astakos resource`: what administrators do on the database and users ask over HTTP.

The commands for users work where only the client is installed.
"""

from astakos.cli.lazy_group import LazyGroup

quota = LazyGroup(
    "quota",
    help="Show and set quotas of users and projects; `mine` asks over HTTP.",
    targets={
        "mine": "astakos.cli.account_commands:mine",
        "periods": "astakos.cli.quota_commands:periods",
        "refusals": "astakos.cli.refusal_commands:refusals",
        "set": "astakos.cli.quota_commands:set_",
        "show": "astakos.cli.quota_commands:show",
    },
)

resource = LazyGroup(
    "resource",
    help="List and register resources; `offered` asks over HTTP.",
    targets={
        "list": "astakos.cli.resource_commands:list_",
        "offered": "astakos.cli.offer_commands:offered",
        "set": "astakos.cli.resource_commands:set_",
    },
)
