"""What there is in Astakos, as documents of Keystone: tokens, projects, users, the one domain."""

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
"""There is one domain, to which all users and projects belong."""
NEVER = "9999-12-31T23:59:59.000000Z"
"""How it is said that a token does not expire; Keystone's clients do not understand null."""
AUDIT_BYTES = 16


class TokenFacts(NamedTuple):
    """What a token says.

    Attributes:
        token_hash: the hash of the token.
        user: its holder, with the times of this token.
        method: what it was given for.
        project: which project it is for, None if for none.
        roles: the groups of its holder.
    """

    token_hash: bytes
    user: User
    method: str
    project: Project | None
    roles: Sequence[Group]


def token_document(facts: TokenFacts, catalog: list[dict[str, Any]] | None, now: int) -> dict[str, Any]:
    """A token, without the token itself."""
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
    """A project that its reader may draw from."""
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
    """A user as they see themselves."""
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
    """The one domain."""
    return {
        **DOMAIN,
        "description": "All users and projects",
        "enabled": True,
        "tags": [],
        "options": {},
        "links": {"self": f"{base_url}{PREFIX}/domains/{DOMAIN_ID}"},
    }


def collection(base_url: str, path: str, name: str, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A list under its name, all of it on one page."""
    links = {"self": f"{base_url}{path}", "previous": None, "next": None}
    return {name: list(items), "links": links}


def _audit_id(token_hash: bytes) -> str:
    """A name of the token for logs, from which nobody can tell the token or what is stored of it."""
    digest = hashlib.sha256(b"audit\n" + token_hash).digest()[:AUDIT_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _instant(instant: int) -> str:
    """Always with six digits, as Keystone writes it."""
    return (EPOCH + timedelta(microseconds=instant)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
