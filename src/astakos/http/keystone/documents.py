"""Keystone documents of Astakos objects: tokens, projects, users, and the only domain."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from astakos.clock import EPOCH
from astakos.directory.entities import Group, User
from astakos.http.keystone.errors import PREFIX
from astakos.projects.project import Project

DOMAIN_ID = "default"
DOMAIN = {"id": DOMAIN_ID, "name": "Default"}
"""The only domain. All users and projects belong to it."""
NEVER = "9999-12-31T23:59:59.000000Z"
"""The expiry of a token that never expires. Keystone's clients do not accept null."""
AUDIT_BYTES = 16


class TokenFacts(NamedTuple):
    """The contents of a token.

    Attributes:
        token_hash: Hash of the token.
        user: User of the token, with the times of this token.
        method: Authentication method that it was issued for.
        project: Project that it is scoped to, or None.
        roles: Groups of the user.
    """

    token_hash: bytes
    user: User
    method: str
    project: Project | None
    roles: Sequence[Group]


def token_document(facts: TokenFacts, catalog: list[dict[str, Any]] | None, now: int) -> dict[str, Any]:
    """Returns the contents of a token, without the token itself."""
    user = facts.user
    token: dict[str, Any] = {
        "methods": [facts.method],
        "user": {
            "id": user.uuid,
            "name": user.username,
            "domain": DOMAIN,
            "password_expires_at": None,
        },
        "audit_ids": [_audit_id(facts.token_hash)],
        "issued_at": _instant(now if user.token_created is None else user.token_created),
        "expires_at": NEVER if user.token_expires is None else _instant(user.token_expires),
        "roles": [{"id": str(role.id), "name": role.name} for role in facts.roles],
    }
    if facts.project is not None:
        token["project"] = {"id": facts.project.uuid, "name": facts.project.name, "domain": DOMAIN}
        token["is_domain"] = False
    if catalog is not None:
        token["catalog"] = catalog
    return {"token": token}


def project_document(base_url: str, project: Project) -> dict[str, Any]:
    """Returns a project that the caller can draw from."""
    return {
        "id": project.uuid,
        "name": project.name,
        "description": project.description,
        "domain_id": DOMAIN_ID,
        "parent_id": DOMAIN_ID,
        "enabled": True,
        "is_domain": False,
        "tags": [],
        "options": {},
        "links": {"self": f"{base_url}{PREFIX}/projects/{project.uuid}"},
    }


def user_document(base_url: str, user: User) -> dict[str, Any]:
    """Returns the calling user."""
    return {
        "id": user.uuid,
        "name": user.username,
        "email": user.email,
        "description": user.name,
        "domain_id": DOMAIN_ID,
        "default_project_id": user.default_project or user.uuid,
        "enabled": user.is_active,
        "password_expires_at": None,
        "options": {},
        "links": {"self": f"{base_url}{PREFIX}/users/{user.uuid}"},
    }


def domain_document(base_url: str) -> dict[str, Any]:
    """Returns the only domain."""
    return {
        **DOMAIN,
        "description": "All users and projects",
        "enabled": True,
        "tags": [],
        "options": {},
        "links": {"self": f"{base_url}{PREFIX}/domains/{DOMAIN_ID}"},
    }


def collection(base_url: str, path: str, name: str, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns a list under its name, as a single page."""
    links = {"self": f"{base_url}{path}", "previous": None, "next": None}
    return {name: list(items), "links": links}


def _audit_id(token_hash: bytes) -> str:
    """Returns an ID for logs that reveals neither the token nor its stored hash."""
    digest = hashlib.sha256(b"audit\n" + token_hash).digest()[:AUDIT_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _instant(instant: int) -> str:
    """Formats a time with six fractional digits, as Keystone does."""
    return (EPOCH + timedelta(microseconds=instant)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
