"""`ui/landing`: the page that users see after they have logged in."""

from astakos.clock import to_iso
from astakos.directory.redirects import path_of
from astakos.directory.service_catalog import menu
from astakos.http.openapi.description import ELSEWHERE, PAGE, described
from astakos.http.request import Answer, Request
from astakos.http.web.browser_sessions import (
    PROOF,
    Login,
    agreement,
    login_address,
    login_of,
    terms_address,
)
from astakos.http.web.html import Html, base_path, hidden, html, joined, page, redirect_within
from astakos.service.service import Service
from astakos.storage.tables import registry


@described("landing.index", answers={302: ELSEWHERE})
async def index(service: Service, request: Request) -> Answer:
    """Redirects to the landing page, or to the login page."""
    login = await login_of(service, request)
    return redirect_within(service, f"{service.base_url}/ui/{'login' if login is None else 'landing'}")


@described("landing.landing", answers={200: PAGE, 302: ELSEWHERE})
async def landing(service: Service, request: Request) -> Answer:
    """Shows the user's account and links to the services."""
    login = await login_of(service, request)
    disagreement = await agreement(service, request, login)
    if disagreement is not None:
        return disagreement
    here = f"{service.base_url}/ui/landing"
    if login is None:
        return redirect_within(service, login_address(service, here))
    entries = menu(await service.read(registry.list_components))
    links = [
        html('<li><a href="{}">{}</a></li>', entry["url"], entry["verbose_name"])
        for entry in entries
        if entry["url"] and _is_web(entry["url"]) and entry["cloudbar"]["show"]
    ]
    content = [_facts(login)]
    if links:
        content.append(html("<h2>Services</h2>\n<ul>\n{}\n</ul>", joined(links)))
    if not login.user.has_signed_terms:
        content.append(
            html(
                '<p class="error">You have not signed the current <a href="{}">terms of service</a>. '
                "You cannot use any service until you sign them.</p>",
                path_of(terms_address(service, here), service.base_url),
            )
        )
    content.append(
        html(
            '<form method="post" action="{}/ui/logout">\n{}\n'
            '<button class="other">Sign out</button>\n</form>',
            base_path(service),
            hidden(PROOF, login.proof),
        )
    )
    return page(f"Welcome, {login.user.name.strip() or login.user.email}", joined(content))


def _facts(login: Login) -> Html:
    user = login.user
    return html(
        "<dl>\n<dt>Username</dt>\n<dd>{}</dd>\n<dt>UUID</dt>\n<dd>{}</dd>\n"
        '<dt>Signed in until</dt>\n<dd><time datetime="{}">{} UTC</time></dd>\n</dl>',
        user.email,
        user.uuid,
        to_iso(login.session.expires),
        to_iso(login.session.expires)[:16].replace("T", " "),
    )


def _is_web(url: object) -> bool:
    return isinstance(url, str) and url.startswith(("https://", "http://"))
