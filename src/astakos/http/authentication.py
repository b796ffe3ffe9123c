"""Finds the user or component that a request's token belongs to (`http-api.md` §2, §5)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from astakos.directory.eligibility import refuse_component, refuse_user
from astakos.directory.entities import Component, User
from astakos.directory.tokens import token_hash
from astakos.http.faults import TokenMissing, Unauthorized
from astakos.http.key_limits import require_call
from astakos.http.openapi.description import TokenKind
from astakos.http.request import Answer, Request
from astakos.service.admission import current_caller
from astakos.service.service import Service

LARGE = 16 * 1024
"""Components' requests with a larger body take turns: reading one stops the event loop for milliseconds, and
carrying it out stops the ledger as long."""


async def authenticated_user(service: Service, request: Request) -> User:
    """Returns the user whose token the request carries.

    Raises:
        Unauthorized: The token is missing or invalid.
        TwoTokens: There are two that differ.
    """
    token = request.token
    if not token:
        raise TokenMissing
    return await caller_of_token(service, request, token)


async def caller_of_token(service: Service, request: Request, token: str) -> User:
    """Returns the user that a token or key belongs to which authorizes a request.

    Raises:
        Unauthorized: The token is invalid.
        NotForKey: It is a key that may not make the call.
    """
    user = await user_of_token(service, token)
    if user.key is not None:
        await require_call(service, request, user.key)
    return user


async def user_of_token(service: Service, token: str) -> User:
    """Returns the user that a token or key belongs to, whatever the key is limited to.

    Raises:
        Unauthorized: The token is invalid.
    """
    user = await service.user_of_token(token)
    refusal = refuse_user(user, service.now())
    if user is None or refusal is not None:
        raise Unauthorized(refusal or "")
    current_caller.set(("user", user.id))
    return user


async def authenticated_component_or_user(service: Service, request: Request) -> Component | User:
    """Returns the component or user whose token the request carries.

    Raises:
        Unauthorized: The token is missing or invalid.
        TwoTokens: There are two that differ.
    """
    token = request.token
    if token and await service.component_of_token(token_hash(token)) is None:
        return await caller_of_token(service, request, token)
    return await authenticated_component(service, request)


async def authenticated_component(service: Service, request: Request) -> Component:
    """Returns the component whose token the request carries.

    Raises:
        Unauthorized: The token is missing or invalid.
        TwoTokens: There are two that differ.
    """
    token = request.token
    if not token:
        raise TokenMissing
    component = await service.component_of_token(token_hash(token))
    refusal = refuse_component(component, service.now())
    if component is None or refusal is not None:
        raise Unauthorized(refusal or "")
    current_caller.set(("component", component.id))
    return component


@dataclass(frozen=True, slots=True)
class ForUser:
    """Wraps a handler that requires a user token."""

    tokens: ClassVar[tuple[TokenKind, ...]] = ("user",)
    handler: Callable[[Service, Request, User], Awaitable[Answer]]

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Authenticates the user, then calls the handler."""
        return await self.handler(service, request, await authenticated_user(service, request))


@dataclass(frozen=True, slots=True)
class ForComponent:
    """Wraps a handler that requires a component's token."""

    tokens: ClassVar[tuple[TokenKind, ...]] = ("service",)
    handler: Callable[[Service, Request, Component], Awaitable[Answer]]

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Authenticates the component, then calls the handler; if the body is large, when it is its turn."""
        component = await authenticated_component(service, request)
        if request.body_length <= LARGE:
            return await self.handler(service, request, component)
        place = await service.large_requests.enter()
        try:
            return await self.handler(service, request, component)
        finally:
            service.large_requests.leave(place)
