"""The bodies that ask for a token, as types."""

from typing import Annotated, Literal

import msgspec


class DomainName(msgspec.Struct):
    """A domain by its id or its name; there is only one."""

    id: str | None = None
    name: str | None = None

    def is_ours(self) -> bool:
        """Whether it is that one, as far as anything is said."""
        return self.id in (None, "default") and (self.name is None or self.name.lower() == "default")


class PasswordUser(msgspec.Struct):
    """A user by uuid or by name, and their password or their token."""

    password: str
    id: str | None = None
    name: str | None = None
    domain: DomainName = msgspec.field(default_factory=DomainName)


class PasswordMethod(msgspec.Struct):
    """Who logs in with a password."""

    user: PasswordUser


class TokenMethod(msgspec.Struct):
    """A token that somebody has already."""

    id: str


class Identity(msgspec.Struct):
    """How the caller shows who they are: by one method; several at once are not supported."""

    methods: Annotated[list[str], msgspec.Meta(min_length=1, max_length=1)]
    password: PasswordMethod | None = None
    token: TokenMethod | None = None


class ProjectName(msgspec.Struct):
    """A project by its uuid or its name."""

    id: str | None = None
    name: str | None = None
    domain: DomainName = msgspec.field(default_factory=DomainName)


class Scope(msgspec.Struct):
    """What the token is to be for; Keystone has other things than projects, which are not known here."""

    project: ProjectName | None = None


class Auth(msgspec.Struct):
    """Who asks, and what for; without a scope, for the default project."""

    identity: Identity
    scope: Scope | Literal["unscoped"] | None = None


class AuthBody(msgspec.Struct):
    """The body of `POST auth/tokens`."""

    auth: Auth
