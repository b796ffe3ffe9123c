"""A visit of a page: who has come, and the page that they get."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from astakos.administration.administrators import is_administrator
from astakos.directory.entities import User
from astakos.directory.redirects import own_address, path_of
from astakos.directory.session_secrets import form_proof, new_secret
from astakos.directory.tokens import token_hash
from astakos.events.event import Actor
from astakos.http.browser_protection import POLICY, page_policy
from astakos.http.faults import Forbidden
from astakos.http.media_types import HTML_UTF8
from astakos.http.pages.flashes import flash_cookie, flash_of
from astakos.http.pages.navigation import FOR_ADMINISTRATORS, FOR_USERS, entries
from astakos.http.pages.sendings import SENDING, SentBeforeError, form_of, new_sending
from astakos.http.projects.actors import actor_of, origin_of
from astakos.http.request import Answer, Request
from astakos.http.web.browser_sessions import Login, browser_of
from astakos.http.web.cookies import Cookies
from astakos.http.web.redirects import PRIVATE, base_path, redirect_within
from astakos.pages.preferences import preferences_of
from astakos.pages.rendering import render
from astakos.pages.site import THEMES, Reader, Site
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import sent_forms
from astakos.storage.tables.proofs import SessionProof, find_origin
from astakos.storage.tables.sent_forms import Sent

T = TypeVar("T")
OWN_FORMS: Final = ("'self'",)
CONFIRMED: Final = "confirmed"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before an action that cannot be undone.

    Attributes:
        title: The question.
        lines: What the action does, a paragraph each.
        button: The label of the button that does it.
        back: The path below the base URL of the page to go back to.
        confirms: Whether yes confirms the action; otherwise it only sends the form again.
    """

    title: str
    lines: Sequence[str]
    button: str
    back: str
    confirms: bool = True


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a page, and what goes around its content.

    Attributes:
        service: The service.
        request: The request.
        site: What the layout shows.
        login: The login of the browser; None if it has none.
        cookies: Cookies to set with the page.
    """

    service: Service
    request: Request
    site: Site
    login: Login | None = None
    cookies: Sequence[str] = ()

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        cookies: Sequence[str] = (),
        forms_may_lead_to: Sequence[str] | None = OWN_FORMS,
        **values: Any,
    ) -> Answer:
        """Returns a page.

        Args:
            template: The template of `astakos/pages/templates/`.
            status: Status of the response.
            headers: Headers in addition to those of every page.
            cookies: Cookies to set.
            forms_may_lead_to: Sources of the policy `form-action`, which browsers also apply to redirects of
                a submitted form; None for any.
            **values: What the template shows, besides `site`.
        """
        body = render(template, site=self.site, **values)
        of_page = {POLICY: page_policy(forms_may_lead_to), **PRIVATE, **(headers or {})}
        return Answer(status, body, HTML_UTF8, of_page, (*self.cookies, *cookies))


@dataclass(frozen=True, slots=True)
class UserVisit(Visit):
    """The visit of a user who has logged in.

    Attributes:
        user: The user.
        secret: The secret of their session.
        form: The fields of the form that they have sent; empty for a page.
        is_for_administrators: Whether only administrators may come.
    """

    user: User = field(kw_only=True)
    secret: str = field(kw_only=True)
    is_for_administrators: bool = field(kw_only=True, default=False)
    form: Mapping[str, str] = field(kw_only=True, default_factory=dict)

    @property
    def is_confirmed(self) -> bool:
        """Whether the user has been asked, and has said yes."""
        return self.form.get(CONFIRMED) == "yes"

    @property
    def reason(self) -> str:
        """The reason in the form. Browsers send lines that end as on paper, whatever the system."""
        return self.form.get("reason", "").replace("\r\n", "\n").strip()

    @property
    def sending(self) -> str:
        """What the form is remembered as, when it has made something."""
        return form_of(self.user.uuid, self.request.path, self.form.get(SENDING, ""))

    def ask(self, question: Question) -> Answer:
        """Asks a question. Yes sends the same form to the same action again, confirmed."""
        sent = {name: value for name, value in self.form.items() if name != CONFIRMED}
        return self.page("question.html", question=question, path=self.request.path, sent=sent)

    def done(self, text: str, path: str, *, cookies: Sequence[str] = ()) -> Answer:
        """Leads on after an action, and says there what it has done.

        Args:
            text: What it has done, as a sentence.
            path: The path of the page to go to, below the base URL; it must be safe in a header.
            cookies: Cookies to set.
        """
        told = flash_cookie(self.service, self.secret, text)
        return redirect_within(self.service, f"{self.service.base_url}{path}", [told, *cookies])

    async def change(self, change: Callable[[Connection, Actor], T]) -> T:
        """Runs a change by the user, unless their session or right has just ended. It takes effect at once.

        Args:
            change: Makes the change in a transaction, in the name of the actor for the audit log.

        Raises:
            Forbidden: The session has just ended: what it made could outlive it. Or the page is for
                administrators, and the user has just ceased to be one.
        """
        proven = SessionProof(token_hash(self.secret))

        def carry_out(connection: Connection) -> T:
            if find_origin(connection, self.user.id, proven) is None:
                raise Forbidden("You have just been signed out. Sign in again.")
            if self.is_for_administrators and not is_administrator(connection, self.user):
                raise Forbidden("You are no longer an administrator.")
            return change(connection, self.actor(connection))

        done = await self.service.write(carry_out)
        if self.is_for_administrators:
            self.service.forget()
        else:
            # What users change can be nothing that is registered, and no setting.
            self.service.forget_users()
        return done

    async def make(
        self, make: Callable[[Connection, Actor], T], *, place: Callable[[T], str], again: str
    ) -> T:
        """Runs a change that makes something, once for each form. See `change`.

        Args:
            make: Makes it. It raises an exception if it makes nothing: the form can then be sent again.
            place: Returns the path of the page of what was made.
            again: What to tell there if the form is sent again, as sentences.

        Raises:
            Forbidden: See `change`.
            SentBeforeError: The form has made it already. The action leads on to there.
        """
        form = self.sending

        def make_once(connection: Connection, actor: Actor) -> T:
            before = sent_forms.begin(connection, form, self.service.now())
            if before is not None:
                raise SentBeforeError(before)
            made = make(connection, actor)
            sent_forms.end(connection, form, Sent(place(made), again))
            return made

        return await self.change(make_once)

    def actor(self, connection: Connection) -> Actor:
        """Returns who acts, for the audit log, in the transaction of a change."""
        return actor_of(connection, self.user, origin_of(self.service, self.request))


async def visit_of(
    service: Service, request: Request, login: Login | None = None, proof: str | None = None
) -> Visit:
    """Returns the visit of a page by whoever has logged in.

    Args:
        service: The service.
        request: The request.
        login: The login of the browser.
        proof: The CSRF token of its forms, if it is not that of the login.
    """
    made = "" if login is None else login.proof
    site = await _site(service, request, login, made if proof is None else proof)
    cookies = [Cookies(service.base_url).no_flash()] if site.flash else []
    return Visit(service, request, site, login, cookies)


async def open_visit(service: Service, request: Request) -> Visit:
    """Returns the visit of a page for anybody: its forms are for this browser, whoever has logged in."""
    browser = browser_of(service, request) or new_secret(os.urandom)
    visit = await visit_of(service, request, proof=form_proof(browser))
    return replace(visit, cookies=(*visit.cookies, Cookies(service.base_url).browser(browser)))


async def user_visit(
    service: Service,
    request: Request,
    login: Login,
    form: Mapping[str, str] | None = None,
    *,
    is_for_administrators: bool = False,
) -> UserVisit:
    """Returns the visit of a user, with the form that they have sent."""
    base = await visit_of(service, request, login)
    return UserVisit(
        service,
        request,
        base.site,
        login,
        base.cookies,
        user=login.user,
        secret=login.session.secret,
        form=form or {},
        is_for_administrators=is_for_administrators,
    )


async def _site(service: Service, request: Request, login: Login | None, proof: str) -> Site:
    settings = await service.login_settings()
    reader = None
    if login is not None:
        user = login.user
        reader = Reader(
            user.name.strip(),
            user.email,
            user.uuid,
            await service.read(is_administrator, user),
        )
    return Site(
        base=base_path(service),
        path=request.address,
        now=service.now(),
        request_id=request.id,
        service_name=settings.service_name,
        has_logo=bool(settings.logo),
        reader=reader,
        proof=proof,
        sending=new_sending(service.now(), os.urandom),
        navigation=entries(FOR_USERS, request.path),
        administration=entries(FOR_ADMINISTRATORS, request.path)
        if reader and reader.is_administrator
        else (),
        flash="" if login is None else flash_of(request, login.session.secret),
        theme=theme_of(request),
        preferences=preferences_of(request.cookies.get(Cookies.PREFERENCES, "")),
    )


def bare_site(service: Service, request: Request) -> Site:
    """Returns the layout of a page when nothing can be read."""
    return Site(
        base=base_path(service),
        path=request.address,
        now=service.now(),
        request_id=request.id,
        theme=theme_of(request),
        preferences=preferences_of(request.cookies.get(Cookies.PREFERENCES, "")),
    )


def theme_of(request: Request) -> str:
    """Returns the appearance that the browser has chosen."""
    theme = request.cookies.get(Cookies.THEME, "")
    return theme if theme in THEMES else THEMES[0]


def page_before(service: Service, request: Request, otherwise: str) -> str:
    """Returns the path of the page of this service that a request comes from, or another one.

    Args:
        service: The service.
        request: The request.
        otherwise: The absolute URL to return if it comes from elsewhere.
    """
    before = _without_host(request.header(b"referer").partition("#")[0])
    return path_of(own_address(before, service.base_url) or otherwise, service.base_url)


def _without_host(address: str) -> str:
    # A browser may know the service by another host.
    _, separator, rest = address.partition("://")
    return f"/{rest.partition('/')[2]}" if separator else address


def form_source(uri: str) -> str:
    """Returns a URI that a form may lead to as a source of the policy `form-action`."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"
