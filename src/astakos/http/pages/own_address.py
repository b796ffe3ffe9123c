"""`ui/account/address`: a user changes their mail address, with the password and by a link to the new one."""

from collections.abc import Mapping
from typing import Final

from astakos.administration.address_changes import (
    AddressLink,
    address_of_link,
    ask_for_address,
    confirm_address,
)
from astakos.administration.user_registration import UserRefusedError
from astakos.directory.attempt_limits import Attempt, TooManyAttemptsError, address_account, recovery_account
from astakos.directory.mail_addresses import EXAMPLE, is_one_address, refuse_new_address
from astakos.directory.password_links import ADDRESS_PAGE
from astakos.events.event import Actor
from astakos.http.faults import TooMany, TooManyAttempts, TooManyLinks
from astakos.http.forwarding import caller_address
from astakos.http.pages.account import ACCOUNT
from astakos.http.pages.link_secrets import secret_of
from astakos.http.pages.page_kinds import user_action, user_making, user_page, user_page_of_links
from astakos.http.pages.present_password import WRONG, proof_of
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.http.secret_attempts import too_many
from astakos.http.web.cookies import Cookies
from astakos.pages.sentences import sentence
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings
from astakos.storage.tables.proofs import find_origin
from astakos.storage.texts import is_storable

ADDRESS: Final = f"{ACCOUNT}/address"
CONFIRM: Final = f"/{ADDRESS_PAGE}"
ASKED_ALREADY: Final = "You have already sent this form. One link is on its way by mail."
TAKEN: Final = "Another user has this address."


async def address(visit: UserVisit) -> Answer:
    """Shows the form; without a mail server, says whom to ask."""
    return await _form(visit)


async def _form(
    visit: UserVisit,
    errors: Mapping[str, str] | None = None,
    *,
    status: int = 422,
    refusal: TooMany | None = None,
) -> Answer:
    login = await visit.service.login_settings()
    return visit.page(
        "own_address.html",
        status=status if errors else 200,
        headers=None if refusal is None else refusal.headers,
        has_mail=visit.service.has_mail,
        whom_to_ask=login.forgotten_password,
        helpdesk=await visit.service.read(settings.find, settings.HELPDESK, []),
        email=visit.form.get("email", ""),
        errors=errors or {},
    )


async def ask(visit: UserVisit) -> Answer:
    """Mails a link to the new address. The answer is the same if another user has it."""
    service = visit.service
    if not service.has_mail:
        return await _form(visit)
    email = visit.form.get("email", "").strip()
    errors = _errors(visit, email)
    if errors:
        return await _form(visit, errors)
    try:
        proof = await proof_of(visit, visit.form.get("present", ""))
    except TooManyAttempts as refusal:
        return await _form(visit, {"present": refusal.message}, status=429, refusal=refusal)
    if proof is None:
        return await _form(visit, {"present": WRONG})
    here = caller_address(service.proxies, visit.request)
    try:
        # All requests count, so that nobody floods a mailbox, nor many of them.
        await service.attempts.count(Attempt(address_account(visit.user.uuid), here))
        await service.attempts.count(Attempt(recovery_account(email), here))
    except TooManyAttemptsError as error:
        refused = too_many(service, error, TooManyLinks)
        return await _form(visit, {"email": refused.message}, status=429, refusal=refused)

    def make(connection: Connection, actor: Actor) -> None:
        if find_origin(connection, visit.user.id, proof) is None:
            raise UserRefusedError(WRONG)
        ask_for_address(connection, actor, visit.user, email, visit.site.now)

    try:
        await visit.make(make, place=lambda _: ADDRESS, again=ASKED_ALREADY)
    except UserRefusedError:
        return await _form(visit, {"present": WRONG})
    return visit.page("own_address_sent.html", email=email)


def _errors(visit: UserVisit, email: str) -> dict[str, str]:
    if not is_one_address(email) or not is_storable(email):
        return {"email": f"Write one email address, such as {EXAMPLE}."}
    refusal = None if email == visit.user.email else refuse_new_address(email)
    if refusal is not None:
        return {"email": sentence(refusal)}
    return {"email": "This is the address that you have."} if email == visit.user.email else {}


async def confirm(visit: UserVisit) -> Answer:
    """Asks whoever comes with a link whether to use the address. Looking does not use the link."""
    link = await _link_of(visit)
    return _ended(visit) if link is None else _question(visit, link)


async def use(visit: UserVisit) -> Answer:
    """Changes the address."""
    service, secret, asked = visit.service, secret_of(visit.request), visit.form.get("address", "")

    def change(connection: Connection, actor: Actor) -> AddressLink | None:
        link = address_of_link(connection, secret, service.now())
        if link is None or link.user.uuid != visit.user.uuid or link.address != asked:
            return None
        confirm_address(connection, actor, link, service.now())
        return link

    try:
        done = await visit.change(change)
    except UserRefusedError:
        return _ended(visit, TAKEN, 409)
    if done is None:
        # Another link was opened in this browser since the question, or this one has just ended.
        return await confirm(visit)
    told = f"Your email address is now {done.address}. Sign in with it from now on."
    return visit.done(told, ACCOUNT, cookies=[_no_link(visit)])


async def _link_of(visit: UserVisit) -> AddressLink | None:
    secret = secret_of(visit.request)
    if not secret:
        return None
    link = await visit.service.read(address_of_link, secret, visit.service.now())
    # Whoever got a link by mistake must not be able to confirm it: they could then set the user's password.
    return link if link is not None and link.user.uuid == visit.user.uuid else None


def _question(visit: UserVisit, link: AddressLink) -> Answer:
    return visit.page("own_address_confirm.html", address=link.address, present=link.user.email)


def _ended(visit: UserVisit, reason: str = "", status: int = 404) -> Answer:
    return visit.page("own_address_ended.html", status=status, cookies=[_no_link(visit)], reason=reason)


def _no_link(visit: UserVisit) -> str:
    return Cookies(visit.service.base_url).no_link(ADDRESS)


ROUTES = (
    user_page(ADDRESS, address),
    user_making(f"{ADDRESS}/ask", ask),
    user_page_of_links(CONFIRM, confirm, ADDRESS),
    user_action(f"{ADDRESS}/use", use),
)
