"""The kinds of pages and actions below `ui/`: who may see a page, and what a form must prove.

ROUTES = (
    user_page("/ui/access", access),
    user_action("/ui/access/sessions/end", end_sessions),
    administrator_page("/ui/admin/now", now),
)

A page takes a `UserVisit` and returns an `Answer`; so does an action, which has the form in `visit.form`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from astakos.http.faults import ItemNotFound
from astakos.http.forms import FORM_LIMIT, read_form
from astakos.http.pages.link_secrets import SecretTaken
from astakos.http.pages.refusals import NO_PAGE, ForPeople
from astakos.http.pages.sendings import SENDING, UNSURE, UNSURE_TITLE, SentBeforeError, counts
from astakos.http.pages.visits import (
    Question,
    UserVisit,
    Visit,
    open_visit,
    page_before,
    user_visit,
)
from astakos.http.request import Answer, Request
from astakos.http.routing import EXACTLY, Route
from astakos.http.web.browser_sessions import (
    agreement,
    login_address,
    login_of,
    require_own_form,
    require_own_site,
    terms_address,
)
from astakos.http.web.redirects import redirect_within
from astakos.service.service import Service
from astakos.storage.tables import sent_forms

Shown = Callable[[UserVisit], Awaitable[Answer]]
OVERVIEW: Final = "/ui/overview"


@dataclass(frozen=True, slots=True)
class Page:
    """A page for users who have logged in and signed the terms; others do that first."""

    is_page: ClassVar = True

    shown: Shown
    for_administrators: bool = False

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Shows the page."""
        here = f"{service.base_url}{request.address}"
        login = await login_of(service, request)
        disagreement = await agreement(service, request, login)
        if disagreement is not None:
            return disagreement
        if login is None:
            return redirect_within(service, login_address(service, here))
        if not login.user.has_signed_terms:
            return redirect_within(service, terms_address(service, here))
        visit = await user_visit(service, request, login, is_for_administrators=self.for_administrators)
        _require_administrator(visit)
        return await self.shown(visit)


@dataclass(frozen=True, slots=True)
class Action:
    """What a form does, for users who have logged in and signed the terms.

    Attributes:
        shown: Does it.
        for_administrators: Whether only administrators may do it.
        makes: Whether it makes something, and so must do it once for each form (`UserVisit.make`).
    """

    is_page: ClassVar = True
    form_limit: ClassVar = FORM_LIMIT

    shown: Shown
    for_administrators: bool = False
    makes: bool = False

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Requires that the form comes from a page made for this browser and login, and acts."""
        login = await login_of(service, request)
        back = f"{service.base_url.rstrip('/')}{OVERVIEW}"
        if login is None or not login.user.has_signed_terms:
            # Where the form was, not where it went: that address takes forms only.
            address = login_address if login is None else terms_address
            return redirect_within(service, address(service, page_before(service, request, back)))
        require_own_site(service, request)
        form = await read_form(request)
        require_own_form(service, request, form, login)
        visit = await user_visit(service, request, login, form, is_for_administrators=self.for_administrators)
        _require_administrator(visit)
        return await (self._once(visit) if self.makes else self.shown(visit))

    async def _once(self, visit: UserVisit) -> Answer:
        """Makes something, or leads to what the form has made already."""
        if not counts(visit.form.get(SENDING, ""), visit.service.now()):
            # The question is a form of today.
            fresh = {name: value for name, value in visit.form.items() if name != SENDING}
            start = f"{visit.service.base_url}{OVERVIEW}"
            back = page_before(visit.service, visit.request, start).removeprefix(visit.site.base)
            question = Question(UNSURE_TITLE, UNSURE, "Send", back, confirms=False)
            return replace(visit, form=fresh).ask(question)
        sent = await visit.service.read(sent_forms.find, visit.sending)
        if sent is None:
            try:
                return await self.shown(visit)
            except SentBeforeError as error:
                sent = error.sent
        return visit.done(sent.told, sent.place)


@dataclass(frozen=True, slots=True)
class OpenForm:
    """A page with a form for anybody, whoever has logged in."""

    form_limit: ClassVar = FORM_LIMIT

    shown: Callable[[Visit], Awaitable[Answer]]
    sent: Callable[[Visit, Mapping[str, str]], Awaitable[Answer]]

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Shows the page, or requires that the form comes from it in this browser, and acts."""
        if request.method != "POST":
            return await self.shown(await open_visit(service, request))
        require_own_site(service, request)
        form = await read_form(request)
        require_own_form(service, request, form, None)
        return await self.sent(await open_visit(service, request), form)


def _require_administrator(visit: UserVisit) -> None:
    """Hides the pages of administrators from others, as if they did not exist."""
    if visit.is_for_administrators and not (visit.site.reader and visit.site.reader.is_administrator):
        raise ItemNotFound(NO_PAGE)


def user_page(path: str, shown: Shown, pattern: str = "") -> Route:
    """Returns the route of a page for users. A path has at most one variable, `visit.request.parameter`."""
    return _page(path, Page(shown), pattern)


def administrator_page(path: str, shown: Shown, pattern: str = "") -> Route:
    """Returns the route of a page for administrators."""
    return _page(path, Page(shown, for_administrators=True), pattern)


def user_page_of_links(path: str, shown: Shown, cookie_path: str) -> Route:
    """Returns the route of a page for users that links with secrets lead to.

    Args:
        path: Its path.
        shown: Shows it.
        cookie_path: The path of the pages and actions that need the secret.
    """
    page = PageForPeople(SecretTaken(Page(shown), cookie_path))
    return Route(path, {"GET": page, "HEAD": page}, EXACTLY)


def user_action(path: str, shown: Shown, pattern: str = "") -> Route:
    """Returns the route of an action of users."""
    return _action(path, Action(shown), pattern)


def user_making(path: str, shown: Shown, pattern: str = "") -> Route:
    """Returns the route of an action of users that makes something, with `UserVisit.make`."""
    return _action(path, Action(shown, makes=True), pattern)


def open_form(
    path: str,
    shown: Callable[[Visit], Awaitable[Answer]],
    sent: Callable[[Visit, Mapping[str, str]], Awaitable[Answer]],
    *,
    is_of_links: bool = False,
) -> Route:
    """Returns the route of a page with a form that needs no login.

    Args:
        path: Its path.
        shown: Shows it.
        sent: Does what the form asks for.
        is_of_links: Whether links with secrets lead there.
    """
    open_to_all = OpenForm(shown, sent)
    form = PageForPeople(SecretTaken(open_to_all, path) if is_of_links else open_to_all)
    return Route(path, {"GET": form, "HEAD": form, "POST": form}, EXACTLY)


def administrator_action(path: str, shown: Shown, pattern: str = "") -> Route:
    """Returns the route of an action of administrators."""
    return _action(path, Action(shown, for_administrators=True), pattern)


def administrator_making(path: str, shown: Shown, pattern: str = "") -> Route:
    """Returns the route of an action of administrators that makes something, with `UserVisit.make`."""
    return _action(path, Action(shown, for_administrators=True, makes=True), pattern)


def _page(path: str, page: Page, pattern: str) -> Route:
    return Route(path, {"GET": PageForPeople(page), "HEAD": PageForPeople(page)}, EXACTLY, pattern)


def _action(path: str, action: Action, pattern: str) -> Route:
    return Route(path, {"POST": PageForPeople(action)}, EXACTLY, pattern)


class PageForPeople(ForPeople):
    """Wraps a page or an action, which is not part of the API, and so not described."""

    is_page: ClassVar = True

    @property
    def form_limit(self) -> int:
        """How many bytes a form may have; 0 for a page, which takes none."""
        return getattr(self.handler, "form_limit", 0)
