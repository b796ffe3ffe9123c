"""`astakos key`, `quota` and `resource`: what administrators do on the database and users ask over HTTP.

The commands for users work where only the client is installed.
"""

from astakos.cli.lazy_group import LazyGroup

key = LazyGroup(
    "key",
    help="Make, list, limit, rotate and revoke API keys; `mine`, `make` and `end` ask over HTTP.",
    targets={
        "add": "astakos.cli.key_commands:add",
        "end": "astakos.cli.own_key_commands:end",
        "limits": "astakos.cli.key_commands:limits",
        "list": "astakos.cli.key_commands:list_",
        "make": "astakos.cli.own_key_commands:make",
        "mine": "astakos.cli.own_key_commands:mine",
        "revoke": "astakos.cli.key_commands:revoke",
        "rotate": "astakos.cli.key_commands:rotate",
        "show": "astakos.cli.key_commands:show",
    },
)

quota = LazyGroup(
    "quota",
    help="Show and set quotas of users, projects and keys; `mine` asks over HTTP.",
    targets={
        "list": "astakos.cli.usage_commands:list_over",
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
        "usage": "astakos.cli.usage_commands:usage",
    },
)
