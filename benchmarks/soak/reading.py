"""What users, services and people look at: tokens, quotas, history, pages."""

import re
from urllib.parse import urlencode

from astakos.http.pages.page_routes import PAGE_ROUTES
from benchmarks.population import user_name, user_token, user_uuid
from benchmarks.soak.callers import Caller
from benchmarks.soak.http_connection import Answer, request_bytes
from benchmarks.soak.installation import LAB, MINUTE, PASSWORD, TOKENS, USERS, VISITORS, VM, Charge
from benchmarks.wire import ISSUE_PATH

ACCOUNT = "/account/v1.0"
PROOF = re.compile('name="csrf_token" value="([^"]+)"')
NO_VIEWS = ("/ui/static/{file}", "/ui/logo", "/ui/logout")
PAGES = (
    *(
        route.template
        for route in PAGE_ROUTES
        if "GET" in route.methods and "{" not in route.template and route.template not in NO_VIEWS
    ),
    f"/ui/resources/{VM}?by=day",
    f"/ui/resources/{TOKENS}?by=month",
    f"/ui/projects/{LAB}",
    "/docs",
)
_cookies: dict[int, dict[str, str]] = {number: {} for number in range(VISITORS)}


def _somebody(caller: Caller) -> int:
    return caller.random.randrange(USERS)


async def authenticate(caller: Caller) -> None:
    """Who holds this token?"""
    await caller.call("authenticate", "GET", f"{ACCOUNT}/authenticate", token=user_token(_somebody(caller)))


async def own_quotas(caller: Caller) -> None:
    """A user's quotas."""
    await caller.call("quotas", "GET", f"{ACCOUNT}/quotas", token=user_token(_somebody(caller)))


async def quotas_of_one(caller: Caller) -> None:
    """The same, by a service."""
    path = f"{ACCOUNT}/service_quotas?user={user_uuid(_somebody(caller))}"
    await caller.call("service quotas", "GET", path)


async def quotas_of_all(caller: Caller) -> None:
    """The quotas of everybody."""
    await caller.call("quotas of all", "GET", f"{ACCOUNT}/service_quotas")


async def look_up_names(caller: Caller) -> None:
    """Names by UUIDs."""
    body = {"uuids": [user_uuid(_somebody(caller)) for _ in range(10)]}
    await caller.call("names", "POST", f"{ACCOUNT}/service/user_catalogs", body)


async def endpoints(caller: Caller) -> None:
    """The service catalog."""
    token = user_token(_somebody(caller))
    body = {"auth": {"token": {"id": token}}}
    await caller.call("catalog", "POST", "/identity/v2.0/tokens", body, token="")


async def own_past(caller: Caller) -> None:
    """History, periods, refusals and projects of a user."""
    token = user_token(_somebody(caller))
    await caller.call("history", "GET", f"{ISSUE_PATH}/history?limit=50", token=token)
    await caller.call("periods", "GET", f"{ACCOUNT}/quotas/periods?resource={MINUTE}", token=token)
    await caller.call("refusals", "GET", f"{ACCOUNT}/quotas/refusals", token=token)
    await caller.call("projects", "GET", f"{ACCOUNT}/projects", token=token)


async def pending(caller: Caller) -> None:
    """The commissions that are pending."""
    await caller.call("pending", "GET", ISSUE_PATH)


async def reconcile(caller: Caller) -> None:
    """Asks how far the ledger differs from what a service has counted."""
    usage = [
        {**provision, "usage": 3}
        for user in caller.random.sample(range(USERS), 20)
        for provision in Charge(user, False, 0, 1).provisions()
    ]
    for entry in usage:
        del entry["quantity"]
    await caller.call("reconcile", "POST", f"{ACCOUNT}/reconcile", {"usage": usage})


async def log_in(caller: Caller) -> None:
    """Exchanges a password for a token."""
    name = user_name(caller.random.randrange(VISITORS))
    user = {"name": name, "domain": {"id": "default"}, "password": PASSWORD}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    await caller.call("log in", "POST", "/identity/v3/auth/tokens", body, token="", right=(201,))


async def look_at_pages(caller: Caller) -> None:
    """Looks at some pages, logged in."""
    visitor = caller.random.randrange(VISITORS)
    for path in caller.random.sample(PAGES, 3):
        # Pages of administrators do not exist for others.
        answer = await _page(caller, "page", "GET", path, visitor, right=(200, 302, 303, 403, 404))
        if answer is not None and "/ui/login" in answer.headers.get("location", ""):
            await _log_in_to_pages(caller, visitor)


async def _log_in_to_pages(caller: Caller, visitor: int) -> None:
    form = await _page(caller, "login page", "GET", "/ui/login", visitor, right=(200, 302, 303))
    proof = PROOF.search(form.body.decode()) if form is not None else None
    if proof is None:
        return
    fields = {"csrf_token": proof[1], "username": user_name(visitor), "password": PASSWORD}
    await _page(caller, "log in to pages", "POST", "/ui/login", visitor, fields, right=(302, 303))


async def _page(
    caller: Caller,
    kind: str,
    method: str,
    path: str,
    visitor: int,
    fields: dict[str, str] | None = None,
    *,
    right: tuple[int, ...],
) -> Answer | None:
    cookies = "; ".join(f"{name}={value}" for name, value in _cookies[visitor].items())
    headers = {"Accept": "text/html", **({"Cookie": cookies} if cookies else {})}
    body = urlencode(fields or {}).encode("ascii")
    request = request_bytes(method, path, headers, body, "application/x-www-form-urlencoded")
    answer = await caller.send(kind, request, right)
    for cookie in answer.cookies if answer is not None else ():
        name, _, value = cookie.partition(";")[0].partition("=")
        _cookies[visitor][name] = value
    return answer
