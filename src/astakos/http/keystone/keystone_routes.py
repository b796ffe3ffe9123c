"""Which handler answers which path below `identity/v3`."""

import re
from collections.abc import Awaitable, Callable, Mapping

from astakos.http.identity import versions
from astakos.http.keystone import listings, token_calls
from astakos.http.keystone.errors import PREFIX
from astakos.http.request import Answer, Request
from astakos.service.service import Service

Handlers = Mapping[str, Callable[[Service, Request], Awaitable[Answer]]]

KEYSTONE_ROUTES: Mapping[str, Handlers] = {
    PREFIX: {"GET": versions.version_3},
    f"{PREFIX}/auth/tokens": {
        "POST": token_calls.issue,
        "GET": token_calls.validate,
        "HEAD": token_calls.validate,
        "DELETE": token_calls.revoke,
    },
    f"{PREFIX}/auth/catalog": {"GET": listings.catalog},
    f"{PREFIX}/auth/projects": {"GET": listings.own_projects},
    f"{PREFIX}/auth/domains": {"GET": listings.own_domains},
    f"{PREFIX}/projects": {"GET": listings.own_projects},
    f"{PREFIX}/projects/{{id}}": {"GET": listings.project},
    f"{PREFIX}/domains": {"GET": listings.own_domains},
    f"{PREFIX}/domains/{{id}}": {"GET": listings.domain},
    f"{PREFIX}/users/{{id}}": {"GET": listings.user},
    f"{PREFIX}/users/{{id}}/projects": {"GET": listings.projects_of_user},
}
"""By the name of the route, in which `{id}` stands for one part of the path."""
WITH_ID = re.compile(rf"({PREFIX}/(?:projects|domains|users)/)([^/]+)(/projects)?")


def keystone_route(path: str) -> tuple[str, str]:
    """The name of the route of a path without trailing slash, and the id in it, "" if there is none."""
    found = WITH_ID.fullmatch(path)
    return (f"{found[1]}{{id}}{found[3] or ''}", found[2]) if found else (path, "")
