"""Asks a user who has logged in for their password again, within the limits of the login."""

from typing import Final

from astakos.directory.attempt_limits import user_account
from astakos.directory.password_rules import LONGEST_PASSWORD
from astakos.directory.tokens import token_hash
from astakos.http.pages.visits import UserVisit
from astakos.http.secret_attempts import is_right
from astakos.http.web.browser_sessions import browser_of
from astakos.storage.tables import sessions, users
from astakos.storage.tables.proofs import PasswordProof

WRONG: Final = "This is not your present password."


async def proof_of(visit: UserVisit, present: str) -> PasswordProof | None:
    """Returns the proof that somebody knows the user's password, to be looked at again in the transaction.

    Args:
        visit: The visit.
        present: What they have typed.

    Returns:
        The proof; None if this is not the password.

    Raises:
        TooManyAttempts: Somebody has tried too often, and nothing was checked.
    """
    service, user = visit.service, visit.user
    if not present or len(present) > LONGEST_PASSWORD:
        return None
    account, browser = user_account(user.uuid), browser_of(service, visit.request)
    stored = await service.read(users.find_password_hash, user.uuid)
    known = await service.read(sessions.knows_browser, token_hash(browser), user.username, service.now())

    async def matches(is_suspect: bool) -> bool:
        return await service.passwords.matches(
            account, stored, present, is_suspect=is_suspect, is_known=known
        )

    proven = await is_right(service, visit.request, account, matches, browser if known else None)
    return PasswordProof(stored) if proven and stored is not None else None
