"""From the token of a request to the user or component that holds it (`http-api.md` §2, §5)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from astakos.directory.eligibility import refuse_component, refuse_user
from astakos.directory.entities import Component, User
from astakos.directory.tokens import token_hash
from astakos.http.faults import Unauthorized
from astakos.http.openapi.description import TokenKind
from astakos.http.request import Answer, Request
from astakos.service.service import Service

MISSING = "A token is needed; send it in the header X-Auth-Token."


async def authenticated_user(service: Service, request: Request) -> User:
    """The user whose token a request carries.

    Raises:
        Unauthorized: it carries none, or one that does not count.
    """
    token = request.token
    if not token:
        raise Unauthorized(MISSING)
    return await user_of_token(service, token)


async def user_of_token(service: Service, token: str) -> User:
    """The user whose token this is.

    Raises:
        Unauthorized: it does not count.
    """
    user = await service.user_of_token(token_hash(token))
    refusal = refuse_user(user, service.now())
    if user is None or refusal is not None:
        raise Unauthorized(refusal or "")
    return user


async def authenticated_component_or_user(service: Service, request: Request) -> Component | User:
    """The component or the user whose token a request carries.

    Raises:
        Unauthorized: it carries none, or one that does not count.
    """
    token = request.token
    if token and await service.component_of_token(token_hash(token)) is None:
        return await user_of_token(service, token)
    return await authenticated_component(service, request)


async def authenticated_component(service: Service, request: Request) -> Component:
    """The component whose token a request carries.

    Raises:
        Unauthorized: it carries none, or one that does not count.
    """
    token = request.token
    if not token:
        raise Unauthorized(MISSING)
    component = await service.component_of_token(token_hash(token))
    refusal = refuse_component(component, service.now())
    if component is None or refusal is not None:
        raise Unauthorized(refusal or "")
    return component


@dataclass(frozen=True, slots=True)
class ForUser:
    """A handler for the user whose token the request carries."""

    tokens: ClassVar[tuple[TokenKind, ...]] = ("user",)
    handler: Callable[[Service, Request, User], Awaitable[Answer]]

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Authenticate, then handle."""
        return await self.handler(service, request, await authenticated_user(service, request))


@dataclass(frozen=True, slots=True)
class ForComponent:
    """A handler for the component whose token the request carries."""

    tokens: ClassVar[tuple[TokenKind, ...]] = ("service",)
    handler: Callable[[Service, Request, Component], Awaitable[Answer]]

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Authenticate, then handle."""
        return await self.handler(service, request, await authenticated_component(service, request))
