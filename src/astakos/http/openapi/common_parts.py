"""What many calls of the OpenAPI document share: parameters in their paths, and headers of answers."""

from collections.abc import Mapping
from typing import Any

from astakos.http.openapi.description import Schema

TEXT: Schema = {"type": "string"}

PATH_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "service": {
        "description": "The name of a service. Any path can follow.",
        "schema": {"type": "string", "minLength": 1},
    },
    "key": {
        "description": "The prefix of the key, with or without `astk_`.",
        "schema": {"type": "string", "minLength": 1},
    },
    "id": {
        "description": "The ID of the token, project, domain, or user.",
        "schema": {"type": "string", "minLength": 1},
    },
    "uuid": {"description": "The UUID of the user.", "schema": {"type": "string", "minLength": 1}},
    "serial": {
        "description": "The serial of the commission.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "membership": {
        "description": "The ID of the membership.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "invitation": {
        "description": "The ID of the invitation, which is the number that its code begins with.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
"""The parameters that paths contain, in braces."""

COMMON_HEADERS = (
    "Cache-Control",
    "Expires",
    "Last-Modified",
    "Vary",
    "X-Content-Type-Options",
    "X-Request-Id",
)
"""Every response carries these."""
HEADERS: Mapping[str, tuple[Schema, str]] = {
    "Allow": (TEXT, "The methods that the path supports."),
    "Astakos-Level": (
        {"enum": ["key", "user", "project", "parent"]},
        "Whose limit was met: the key's, the user's, the project's, or that of a project above it.",
    ),
    "Astakos-Outcome": (
        {"enum": ["not-carried-out", "unknown"]},
        "Whether the request certainly had no effect, or may have taken effect, or may still do so.",
    ),
    "Astakos-Project-State": (
        {"enum": ["uninitialized", "suspended", "terminated", "deleted"]},
        "The state of the project without room, or of the parent, if nothing can be drawn from it.",
    ),
    "Astakos-Supports": (TEXT, "The extensions to the original API that the service supports."),
    "Cache-Control": (TEXT, "Forbids caching."),
    "Content-Security-Policy": (TEXT, "Limits what the page can load and do."),
    "Expires": (TEXT, "The time of the response."),
    "Idempotency-Key": (TEXT, "The key that the request sent, if any."),
    "Idempotency-Replayed": (
        {"enum": ["true", "false"]},
        "Whether an earlier request with the same key has done it, and this one nothing.",
    ),
    "Last-Modified": (TEXT, "The time of the response."),
    "Location": (TEXT, "The URL to continue at."),
    "RateLimit": (TEXT, "What is left on the meter without room, and the seconds until it resets."),
    "RateLimit-Policy": (TEXT, "The limit of the meter without room, and the seconds of its period."),
    "Retry-After": ({"type": "string", "pattern": "^[0-9]+$"}, "The number of seconds to wait."),
    "Vary": (TEXT, "The request headers that the response depends on."),
    "WWW-Authenticate": (TEXT, "How to authenticate, and what is wrong with the token (RFC 6750)."),
    "X-Astakos-Groups": (
        TEXT,
        "The user's groups, with commas between them. Their names are percent-encoded.",
    ),
    "X-Astakos-Key": (TEXT, "The prefix of the key; empty for a token."),
    "X-Astakos-Project": (TEXT, "The UUID of the project to draw from."),
    "X-Astakos-Client": (TEXT, "The OAuth2 client that acts for the user; empty if none does."),
    "X-Astakos-Refused": (TEXT, "The resource or meter without room; empty if there is room."),
    "X-Astakos-User": (TEXT, "The UUID of the user."),
    "X-Astakos-Username": (TEXT, "The user name, percent-encoded."),
    "X-Content-Type-Options": (TEXT, "Forbids guessing another type than Content-Type."),
    "X-Request-Id": (
        {"type": "string", "minLength": 1, "maxLength": 128},
        "The ID of the request in the log: the one that the request sent, or a new one.",
    ),
    "X-Subject-Token": (TEXT, "The token."),
}
NOT_ON_ALL = (
    "Idempotency-Key",
    "Idempotency-Replayed",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
)
"""A response may lack these even if its operation lists them."""
