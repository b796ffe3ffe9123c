"""Maps each path and method to its handler, and to the token that it requires (`http-api.md` §6)."""

from collections.abc import Iterator

from astakos.http import health, statistics
from astakos.http.account import (
    administered_keys,
    default_project,
    feedback,
    grants,
    key_quotas,
    keys,
    periods,
    quota_reports,
    refusals,
    resource_list,
    token_holder,
    user_catalogs,
)
from astakos.http.authentication import ForComponent, ForUser
from astakos.http.authz import answering
from astakos.http.commissions import acting, bulk, history_pages, issuing, pending, reconciling
from astakos.http.identity import (
    access_token_validation,
    tokens_call,
    user_actions,
    user_administration,
    versions,
)
from astakos.http.identity.administrators import ForAdministrators
from astakos.http.keystone import listings, token_calls
from astakos.http.keystone.errors import PREFIX as KEYSTONE
from astakos.http.oauth2 import authorization, code_exchange, introspection, metadata, revocation
from astakos.http.oauth2.client_credentials import ForOAuth2
from astakos.http.oauth2.standard_calls import ForStandardOAuth2
from astakos.http.openapi import publishing
from astakos.http.openapi.description import ANY_METHOD
from astakos.http.openapi.publishing import OfAllRoutes, ReferencePage
from astakos.http.pages.page_routes import PAGE_ROUTES
from astakos.http.pages.refusals import ForPeople
from astakos.http.projects import (
    actions,
    event_feeds,
    invitations,
    memberships,
    project_list,
    single_memberships,
    single_projects,
    usage,
)
from astakos.http.request import AUTHORIZATION_SERVER, Request
from astakos.http.routing import (
    EXACTLY,
    OR_JSON,
    SLASH_OR_JSON,
    WITH_SUFFIX,
    Handler,
    Methods,
    Route,
    RouteTable,
    serial_of,
)
from astakos.http.web import join_page, landing_page, login_page, menus, terms_page, weblogin

ACCOUNT = "/account/v1.0"
COMMISSIONS = f"{ACCOUNT}/commissions"
PROJECTS = f"{ACCOUNT}/projects"
MEMBERSHIPS = f"{PROJECTS}/memberships"
IDENTITY = "/identity/v2.0"
USERS = f"{IDENTITY}/users"

API_PREFIXES = ("/account/", "/identity/")
"""An unknown path below these is a bad request (400). Elsewhere it is not found (404)."""

EXTENSIONS = (
    b"idempotency-key, ttl, quantities, bulk, history, reconcile, revise, overage, dry-run, at-most, "
    b"make-once"
)
SUPPORTS = ((b"astakos-supports", EXTENSIONS),)
"""Sent with every response about commissions: the extensions to the original API."""


SUPPORTS_FIELD = b"".join(name + b": " + value + b"\r\n" for name, value in SUPPORTS)


def announced_field(path: str) -> bytes:
    """Returns the same as a line of the head."""
    return SUPPORTS_FIELD if path.startswith(COMMISSIONS) else b""


def announced(path: str) -> tuple[tuple[bytes, bytes], ...]:
    """Returns the extra headers that every response of a path carries."""
    return SUPPORTS if path.startswith(COMMISSIONS) else ()


def _routes() -> Iterator[Route]:
    yield Route("", {ANY_METHOD: menus.start})
    yield from _identity()
    yield from _account()
    yield from _projects()
    yield from _commissions()
    yield from _web()
    yield from _service()
    # Proxies append the path of the request that they ask about.
    yield Route("/authz/{service}", {ANY_METHOD: answering.authorize}, EXACTLY, pattern="[^/]+(?:/.*)?")
    yield from _users()
    yield from _keystone()


def _identity() -> Iterator[Route]:
    yield Route("/identity/", {"GET": versions.versions}, OR_JSON)
    yield Route(IDENTITY, {"GET": versions.version}, SLASH_OR_JSON)
    yield Route(f"{IDENTITY}/tokens", {"POST": tokens_call.tokens})
    # An access token may contain slashes.
    validate = {"GET": access_token_validation.validate}
    yield Route(f"{IDENTITY}/tokens/{{id}}", validate, pattern="[^/].*?")


def _account() -> Iterator[Route]:
    yield Route(f"{ACCOUNT}/authenticate", {"GET": ForUser(token_holder.authenticate)})
    yield Route(f"{ACCOUNT}/user_catalogs", {"POST": ForUser(user_catalogs.user_catalogs)})
    yield Route(
        f"{ACCOUNT}/service/user_catalogs", {"POST": ForComponent(user_catalogs.service_user_catalogs)}
    )
    yield Route(
        f"{ACCOUNT}/myaccount/default_project", {"POST": ForUser(default_project.set_default_project)}
    )
    yield Route(f"{ACCOUNT}/resources", {"GET": resource_list.resources})
    yield Route(f"{ACCOUNT}/feedback", {"POST": ForUser(feedback.feedback)})
    yield from _keys()
    yield Route(f"{ACCOUNT}/quotas", {"GET": ForUser(quota_reports.quotas)})
    yield Route(f"{ACCOUNT}/quotas/periods", {"GET": ForUser(periods.periods)})
    yield Route(f"{ACCOUNT}/quotas/grants", {"GET": ForUser(grants.grants)})
    yield Route(f"{ACCOUNT}/quotas/refusals", {"GET": ForUser(refusals.refusals)})
    yield Route(f"{ACCOUNT}/service_quotas/refusals", {"GET": ForComponent(refusals.service_refusals)})
    yield Route(f"{ACCOUNT}/service_quotas", {"GET": ForComponent(quota_reports.service_quotas)})
    yield Route(
        f"{ACCOUNT}/service_project_quotas", {"GET": ForComponent(quota_reports.service_project_quotas)}
    )


def _keys() -> Iterator[Route]:
    one = {"GET": ForUser(keys.show), "PUT": ForUser(keys.change), "DELETE": ForUser(keys.revoke)}
    yield Route(f"{ACCOUNT}/keys", {"GET": ForUser(keys.list_), "POST": ForUser(keys.make)})
    yield Route(f"{ACCOUNT}/keys/{{key}}", one)
    yield Route(f"{ACCOUNT}/keys/{{key}}/action", {"POST": ForUser(keys.act)})
    of_all = {
        "GET": ForUser(administered_keys.show),
        "PUT": ForUser(administered_keys.change),
        "DELETE": ForUser(administered_keys.revoke),
    }
    yield Route(
        f"{ACCOUNT}/admin/keys",
        {"GET": ForUser(administered_keys.list_), "POST": ForUser(administered_keys.make)},
    )
    yield Route(f"{ACCOUNT}/admin/keys/{{key}}", of_all)
    yield Route(f"{ACCOUNT}/admin/keys/{{key}}/action", {"POST": ForUser(administered_keys.act)})
    yield Route(f"{ACCOUNT}/keys/{{key}}/quotas", {"GET": ForUser(key_quotas.key_quotas)})


def _projects() -> Iterator[Route]:
    listing = {
        "GET": ForUser(project_list.list_projects),
        "POST": ForUser(project_list.create_project_call),
    }
    single = {
        "GET": ForUser(single_projects.show_project),
        "PUT": ForUser(single_projects.modify_project_call),
    }
    yield Route(PROJECTS, listing)
    yield Route(f"{PROJECTS}/{{id}}", single)
    yield Route(f"{PROJECTS}/{{id}}/action", {"POST": ForUser(actions.act_on_project_call)})
    yield from _memberships()
    yield from _invitations()
    yield Route(f"{PROJECTS}/{{id}}/usage", {"GET": ForUser(usage.usage)})
    yield Route(f"{PROJECTS}/{{id}}/events", {"GET": ForUser(event_feeds.project_events)})
    yield Route(f"{ACCOUNT}/events", {"GET": ForUser(event_feeds.events)})


def _invitations() -> Iterator[Route]:
    of_project = {
        "GET": ForUser(invitations.list_of_project),
        "POST": ForUser(invitations.create_invitation),
    }
    yield Route(f"{PROJECTS}/{{id}}/invitations", of_project)
    yield Route(f"{PROJECTS}/invitations/{{invitation}}", {"DELETE": ForUser(invitations.revoke_invitation)})


def _memberships() -> Iterator[Route]:
    all_of_them = {
        "GET": ForUser(memberships.list_memberships),
        "POST": ForUser(memberships.add_membership),
    }
    one = f"{MEMBERSHIPS}/{{membership}}"
    yield Route(MEMBERSHIPS, all_of_them)
    yield Route(one, {"GET": ForUser(single_memberships.get_membership)})
    yield Route(f"{one}/action", {"POST": ForUser(single_memberships.act_on_membership)})


def _commissions() -> Iterator[Route]:
    yield Route(COMMISSIONS, {"GET": ForComponent(pending.pending), "POST": ForComponent(issuing.issue)})
    yield Route(f"{COMMISSIONS}/action", {"POST": ForComponent(pending.resolve)})
    yield Route(f"{COMMISSIONS}/bulk", {"POST": ForComponent(bulk.issue_many)})
    yield Route(f"{COMMISSIONS}/history", {"GET": history_pages.history})
    yield Route(f"{COMMISSIONS}/{{serial}}", {"GET": ForComponent(pending.info)})
    yield Route(f"{COMMISSIONS}/{{serial}}/action", {"POST": ForComponent(acting.act)})
    yield Route(f"{ACCOUNT}/reconcile", {"POST": ForComponent(reconciling.reconcile)})


def _web() -> Iterator[Route]:
    yield Route("/ui/get_services", {ANY_METHOD: menus.get_services})
    yield Route("/ui/get_menu", {ANY_METHOD: menus.get_menu})
    yield Route("/ui/login", _form(login_page.login))
    yield Route("/ui/logout", _form(login_page.logout))
    yield Route("/ui/landing", _shown(landing_page.landing))
    yield Route("/ui/join", _form(join_page.join_page))
    yield Route("/ui/terms", _form(terms_page.terms))
    yield Route("/oauth2/auth", {"GET": ForOAuth2(authorization.auth), "POST": ForOAuth2(authorization.auth)})
    yield Route("/oauth2/token", {"POST": ForOAuth2(code_exchange.token)})
    yield Route("/oauth2/introspect", {"POST": ForStandardOAuth2(introspection.introspect)})
    yield Route("/oauth2/revoke", {"POST": ForStandardOAuth2(revocation.revoke)})
    yield Route(AUTHORIZATION_SERVER, {"GET": metadata.metadata}, EXACTLY)
    yield from PAGE_ROUTES
    yield Route("/ui/", _shown(landing_page.index), EXACTLY)
    yield Route("/ui", {ANY_METHOD: menus.start}, EXACTLY)
    yield Route("/weblogin", {ANY_METHOD: menus.weblogin}, EXACTLY)
    yield Route("/weblogin/login", {"GET": ForPeople(weblogin.login)}, EXACTLY)
    yield Route("/weblogin/confirm", {"POST": ForPeople(weblogin.confirm)}, EXACTLY)


def _shown(handler: Handler) -> Methods:
    return {"GET": ForPeople(handler), "HEAD": ForPeople(handler)}


def _form(handler: Handler) -> Methods:
    return {**_shown(handler), "POST": ForPeople(handler)}


def _service() -> Iterator[Route]:
    yield Route("/healthz", {"GET": health.healthz, "HEAD": health.healthz})
    yield Route("/readyz", {"GET": health.readyz, "HEAD": health.readyz})
    yield Route("/admin/stats", {"GET": statistics.statistics})
    yield Route("/admin/stats/detail", {"GET": ForUser(statistics.detailed_statistics)})
    yield Route("/openapi.json", {"GET": OfAllRoutes(publishing.openapi, all_methods, announced)})
    yield Route("/docs", {"GET": ReferencePage(all_methods, announced)})


def _users() -> Iterator[Route]:
    users = {"GET": user_administration.users_list, "POST": user_administration.user_create}
    user = {"GET": user_administration.user_get, "PUT": user_administration.user_update}
    for path, handlers in (
        (USERS, users),
        (f"{USERS}/detail", {"GET": user_administration.users_detail}),
        (f"{USERS}/{{uuid}}", user),
        (f"{USERS}/{{uuid}}/action", {"POST": user_actions.user_action}),
    ):
        yield Route(path, {ANY_METHOD: ForAdministrators(handlers)}, WITH_SUFFIX)


def _keystone() -> Iterator[Route]:
    tokens = {
        "POST": token_calls.issue,
        "GET": token_calls.validate,
        "HEAD": token_calls.validate,
        "DELETE": token_calls.revoke,
    }
    yield Route(KEYSTONE, {"GET": versions.version_3})
    yield Route(f"{KEYSTONE}/auth/tokens", tokens)
    yield Route(f"{KEYSTONE}/auth/catalog", {"GET": listings.catalog})
    yield Route(f"{KEYSTONE}/auth/projects", {"GET": listings.own_projects})
    yield Route(f"{KEYSTONE}/auth/domains", {"GET": listings.own_domains})
    yield Route(f"{KEYSTONE}/projects", {"GET": listings.own_projects})
    yield Route(f"{KEYSTONE}/projects/{{id}}", {"GET": listings.project})
    yield Route(f"{KEYSTONE}/domains", {"GET": listings.own_domains})
    yield Route(f"{KEYSTONE}/domains/{{id}}", {"GET": listings.domain})
    yield Route(f"{KEYSTONE}/users/{{id}}", {"GET": listings.user})
    yield Route(f"{KEYSTONE}/users/{{id}}/projects", {"GET": listings.projects_of_user})


def all_methods() -> dict[str, Methods]:
    """Returns the handlers of the API by path and method, under the path names that OpenAPI uses."""
    return {
        name: route.methods
        for name, route in TABLE.routes.items()
        if not any(getattr(handler, "is_page", False) for handler in route.methods.values())
    }


def find_route(request: Request) -> None:
    """Finds the route of a request, and sets the request's route, its name, and its path variable."""
    route, value = TABLE.find(request.path)
    if route is not None:
        request.found = route
        request.route = route.name
        request.parameter = value
        if value and "{serial}" in route.template:
            request.serial = serial_of(value)


TABLE = RouteTable(_routes())
