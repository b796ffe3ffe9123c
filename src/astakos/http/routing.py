"""Which handler answers which method and path, and whose token it needs (`http-api.md` §6)."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from astakos.directory.entities import Component, User
from astakos.http import health
from astakos.http.account import account, default_project, quota_reports
from astakos.http.authentication import authenticated_component, authenticated_user
from astakos.http.commissions import history_pages, issuing, pending, reconciling
from astakos.http.identity import (
    access_token_validation,
    tokens_call,
    user_actions,
    user_administration,
    versions,
)
from astakos.http.identity.user_administration import ForAdministrators
from astakos.http.keystone.errors import is_keystone_path
from astakos.http.keystone.keystone_routes import KEYSTONE_ROUTES, keystone_route
from astakos.http.openapi import publishing
from astakos.http.openapi.description import ANY_METHOD, TokenKind
from astakos.http.openapi.document import Announced, Routes
from astakos.http.request import Answer, Request
from astakos.http.web import menus
from astakos.http.web.web_routes import PAGES, PAGES_WITH_SLASH, PAGES_WITHOUT_SLASH
from astakos.service.service import Service

Handler = Callable[[Service, Request], Awaitable[Answer]]
Route = Mapping[str, Handler]


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


@dataclass(frozen=True, slots=True)
class OfAllRoutes:
    """A handler of which the answer depends on nothing but the routes and the base URL, and is made once."""

    handler: Callable[[Routes, Announced, str], Answer]
    made: dict[str, Answer] = field(default_factory=dict)

    async def __call__(self, service: Service, _request: Request) -> Answer:
        """Answer what has been made, or make it."""
        base_url = service.base_url
        if base_url not in self.made:
            self.made[base_url] = self.handler(all_routes(), announced, base_url)
        return self.made[base_url]


ROUTES: Mapping[str, Route] = {
    "": {ANY_METHOD: menus.start},
    "/identity/v2.0": {"GET": versions.version},
    "/identity/v2.0/tokens": {"POST": tokens_call.tokens},
    "/account/v1.0/authenticate": {"GET": ForUser(account.authenticate)},
    "/account/v1.0/user_catalogs": {"POST": ForUser(account.user_catalogs)},
    "/account/v1.0/service/user_catalogs": {"POST": ForComponent(account.service_user_catalogs)},
    "/account/v1.0/myaccount/default_project": {"POST": ForUser(default_project.set_default_project)},
    "/account/v1.0/resources": {"GET": account.resources},
    "/account/v1.0/feedback": {"POST": ForUser(account.feedback)},
    "/account/v1.0/quotas": {"GET": ForUser(quota_reports.quotas)},
    "/account/v1.0/service_quotas": {"GET": ForComponent(quota_reports.service_quotas)},
    "/account/v1.0/service_project_quotas": {"GET": ForComponent(quota_reports.service_project_quotas)},
    "/account/v1.0/commissions": {
        "GET": ForComponent(pending.pending),
        "POST": ForComponent(issuing.issue),
    },
    "/account/v1.0/commissions/action": {"POST": ForComponent(pending.resolve)},
    "/account/v1.0/commissions/bulk": {"POST": ForComponent(issuing.issue_many)},
    "/account/v1.0/commissions/history": {"GET": history_pages.history},
    "/account/v1.0/reconcile": {"POST": ForComponent(reconciling.reconcile)},
    "/ui/get_services": {ANY_METHOD: menus.get_services},
    "/ui/get_menu": {ANY_METHOD: menus.get_menu},
    **PAGES,
    "/healthz": {"GET": health.healthz, "HEAD": health.healthz},
    "/readyz": {"GET": health.readyz, "HEAD": health.readyz},
    "/openapi.json": {"GET": OfAllRoutes(publishing.openapi)},
    "/docs": {"GET": OfAllRoutes(publishing.docs)},
}
ROUTES_WITH_SLASH: Mapping[str, Route] = {
    "/identity/": {"GET": versions.versions},
    **PAGES_WITH_SLASH,
}
"""Those whose trailing slash is not optional."""
ROUTES_WITHOUT_SLASH: Mapping[str, Route] = {
    "/ui": {ANY_METHOD: menus.start},
    "/weblogin": {ANY_METHOD: menus.weblogin},
    **PAGES_WITHOUT_SLASH,
}
"""Those that lead to something else, or to nothing, with a trailing slash."""
ACCESS_TOKEN: Route = {"GET": access_token_validation.validate}
ACCESS_TOKEN_NAME = "/identity/v2.0/tokens/{id}"  # noqa: S105 - the name of a route
ACCESS_TOKEN_PATH = re.compile(r"/identity/v2\.0/tokens/([^/].*?)/?", re.DOTALL)
USERS: Mapping[str, Route] = {
    "/identity/v2.0/users": {
        ANY_METHOD: ForAdministrators(
            {"GET": user_administration.users_list, "POST": user_administration.user_create}
        )
    },
    "/identity/v2.0/users/detail": {ANY_METHOD: ForAdministrators({"GET": user_administration.users_detail})},
    "/identity/v2.0/users/{uuid}": {
        ANY_METHOD: ForAdministrators(
            {"GET": user_administration.user_get, "PUT": user_administration.user_update}
        )
    },
    "/identity/v2.0/users/{uuid}/action": {ANY_METHOD: ForAdministrators({"POST": user_actions.user_action})},
}
USERS_PATH = re.compile(r"(/identity/v2\.0/users)(?:(/detail)|/([^/]+?)(/action)?)?(?:/|\.json|\.xml)?")
COMMISSION: Route = {"GET": ForComponent(pending.info)}
COMMISSION_ACTION: Route = {"POST": ForComponent(pending.act)}
COMMISSION_NAME = "/account/v1.0/commissions/{serial}"
COMMISSION_ACTION_NAME = "/account/v1.0/commissions/{serial}/action"
COMMISSION_PATH = re.compile(r"/account/v1\.0/commissions/([0-9]+)(/action)?")

NAMED_ROUTES: Mapping[str, Route] = {
    ACCESS_TOKEN_NAME: ACCESS_TOKEN,
    COMMISSION_NAME: COMMISSION,
    COMMISSION_ACTION_NAME: COMMISSION_ACTION,
}
"""Those with something in their path that differs from one request to the next."""

COMMISSIONS = "/account/v1.0/commissions"
SUPPORTS = ((b"astakos-supports", b"idempotency-key, ttl, quantities, bulk, history, reconcile"),)
"""Stands on every answer about commissions: what this service does beyond the original."""


def announced(path: str) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that stand on every answer of a path."""
    return SUPPORTS if path.startswith(COMMISSIONS) else ()


API_PREFIXES = ("/account/", "/identity/")
"""Below these an unknown path is a bad request; elsewhere it is not found."""

DIGITS_OF_A_SERIAL = 19


def all_routes() -> Mapping[str, Route]:
    """Every path that there is, as the documentation of the API names it."""
    tables = (ROUTES, ROUTES_WITH_SLASH, ROUTES_WITHOUT_SLASH, NAMED_ROUTES, USERS, KEYSTONE_ROUTES)
    return {path or "/": route for table in tables for path, route in table.items()}


def find_route(request: Request) -> Route | None:
    """The methods of a path, with or without a trailing slash; notes name and parameter in the request."""
    path = request.path.removesuffix("/")
    route = ROUTES.get(path)
    if route is not None:
        request.route = path or "/"
    elif found := COMMISSION_PATH.fullmatch(path):
        digits = found[1].lstrip("0")
        # 0 is no serial, and so stands for numbers that are too large to be one.
        request.serial = int(digits or 0) if len(digits) <= DIGITS_OF_A_SERIAL else 0
        route = COMMISSION_ACTION if found[2] else COMMISSION
        request.route = COMMISSION_ACTION_NAME if found[2] else COMMISSION_NAME
    elif request.path in ROUTES_WITH_SLASH:
        request.route = request.path
        route = ROUTES_WITH_SLASH[request.path]
    elif is_keystone_path(path):
        name, request.parameter = keystone_route(path)
        route = KEYSTONE_ROUTES.get(name)
        request.route = request.route if route is None else name
    elif request.path in ROUTES_WITHOUT_SLASH:
        request.route = request.path
        route = ROUTES_WITHOUT_SLASH[request.path]
    elif found := ACCESS_TOKEN_PATH.fullmatch(request.path):
        request.parameter = found[1]
        route = ACCESS_TOKEN
        request.route = ACCESS_TOKEN_NAME
    elif found := USERS_PATH.fullmatch(request.path):
        users, detail, uuid, action = found.groups("")
        request.parameter = uuid
        request.route = users + detail + ("/{uuid}" if uuid else "") + action
        route = USERS[request.route]
    return route
