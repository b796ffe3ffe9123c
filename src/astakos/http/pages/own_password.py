"""`ui/access/password`: a user changes their password."""

from collections.abc import Mapping
from typing import Final

from astakos.administration.accounts import set_password
from astakos.directory.attempt_limits import user_account
from astakos.directory.password_rules import LONGEST_PASSWORD, SHORTEST_PASSWORD
from astakos.events.event import Actor
from astakos.http.faults import TooManyAttempts
from astakos.http.pages.access import ACCESS
from astakos.http.pages.flashes import flash_cookie
from astakos.http.pages.page_kinds import user_action, user_page
from astakos.http.pages.password_pages import errors_of_new_password
from astakos.http.pages.present_password import WRONG, proof_of
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.http.web.browser_sessions import beginning, login_cookies
from astakos.http.web.cookies import Cookies
from astakos.http.web.redirects import redirect_within
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys
from astakos.storage.tables.proofs import PasswordProof, find_origin

PATH: Final = f"{ACCESS}/password"


async def password(visit: UserVisit) -> Answer:
    """Shows the form."""
    return await _form(visit)


async def change_password(visit: UserVisit) -> Answer:
    """Changes the password of who knows the present one. All other logins and tokens end."""
    service, request, user, form = visit.service, visit.request, visit.user, visit.form
    present, new = form.get("present", ""), form.get("password", "")
    errors = errors_of_new_password(new, form.get("repeated", ""))
    if not present or len(present) > LONGEST_PASSWORD:
        errors["present"] = WRONG
    if errors:
        return await _form(visit, errors)
    try:
        proof = await proof_of(visit, present)
    except TooManyAttempts as refusal:
        return await _form(visit, {"present": refusal.message}, status=429, headers=refusal.headers)
    if proof is None:
        return await _form(visit, {"present": WRONG})
    if new == present:
        return await _form(visit, {"password": "This is your present password. Choose another one."})
    hashed = await service.passwords.hash(user_account(user.uuid), new)
    settings = await service.login_settings()
    begun = beginning(service, request, user, PasswordProof(hashed), settings)
    keep_keys = form.get("keep_keys") == "yes"

    def change(connection: Connection, actor: Actor) -> int | None:
        if find_origin(connection, user.id, proof) is None:
            return None
        now, keys = service.now(), api_keys.count_of_user(connection, user.uuid)
        set_password(connection, actor, user, hashed, now, keep_tokens=False, keep_keys=keep_keys)
        return keys if begun.store(connection) else None

    keys = await visit.change(change)
    if keys is None:
        return await _form(visit, {"present": WRONG})
    made = Cookies(service.base_url)
    told = f"Your password has changed. All other browsers have been signed out. {_ended(keys, keep_keys)}"
    cookies = [
        *login_cookies(made, settings, begun.session),
        made.browser(begun.browser),
        flash_cookie(service, begun.session.secret, told),
    ]
    return redirect_within(service, f"{service.base_url}{ACCESS}", cookies)


def _ended(keys: int, kept: bool) -> str:
    if not keys:
        return "Your token has ended."
    if kept:
        return "Your token has ended; your API keys stay valid."
    return "Your token and your API keys have ended: programs that use one need a new one."


async def _form(
    visit: UserVisit,
    errors: Mapping[str, str] | None = None,
    *,
    status: int = 422,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    return visit.page(
        "own_password.html",
        status=status if errors else 200,
        headers=headers,
        errors=errors or {},
        has_keys=await visit.service.read(api_keys.count_of_user, visit.user.uuid) > 0,
        shortest=SHORTEST_PASSWORD,
    )


ROUTES = (
    user_page(PATH, password),
    user_action(f"{PATH}/change", change_password),
)
