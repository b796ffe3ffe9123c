"""The bodies that request a token, as types."""

from typing import Annotated, Literal

import msgspec


class DomainName(msgspec.Struct):
    """A domain, by ID or name. There is only one."""

    id: str | None = None
    name: str | None = None

    def is_ours(self) -> bool:
        """Returns whether this names the only domain. Missing attributes match."""
        return self.id in (None, "default") and (self.name is None or self.name.lower() == "default")


class PasswordUser(msgspec.Struct):
    """A user, by UUID or username, with their password or token."""

    password: str
    id: str | None = None
    name: str | None = None
    domain: DomainName = msgspec.field(default_factory=DomainName)


class PasswordMethod(msgspec.Struct):
    """Authentication with a password."""

    user: PasswordUser


class TokenMethod(msgspec.Struct):
    """Authentication with an existing token."""

    id: str


class Identity(msgspec.Struct):
    """How the caller authenticates. Exactly one method is supported."""

    methods: Annotated[list[str], msgspec.Meta(min_length=1, max_length=1)]
    password: PasswordMethod | None = None
    token: TokenMethod | None = None


class ProjectName(msgspec.Struct):
    """A project, by UUID or name."""

    id: str | None = None
    name: str | None = None
    domain: DomainName = msgspec.field(default_factory=DomainName)


class Scope(msgspec.Struct):
    """The scope of the token. Only projects are supported."""

    project: ProjectName | None = None


class Auth(msgspec.Struct):
    """Authentication and scope. Without a scope, the token is for the default project."""

    identity: Identity
    scope: Scope | Literal["unscoped"] | None = None


class AuthBody(msgspec.Struct):
    """A request for a token."""

    auth: Auth
