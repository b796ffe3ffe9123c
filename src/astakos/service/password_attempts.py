"""Limits how often passwords can be tried, so that none is guessed and strangers cannot lock a user out."""

import time
from collections import OrderedDict
from collections.abc import Hashable

AT_ONCE = 10
"""Wrong passwords that one address can try on one account without a pause."""
SECONDS_EACH = 30.0
"""Seconds after which it can try one more."""
AT_ONCE_FROM_ADDRESS = 100
SECONDS_EACH_FROM_ADDRESS = 3.0
"""The same limits for one address on all accounts."""
MOST_KEPT = 20_000


class Attempts:
    """Counts wrong passwords by account and address, and by address over all accounts.

    Nothing is counted by account alone, so that attempts from elsewhere do not lock the user out. An attempt
    counts from its start until the password proves right; otherwise many could run in parallel.

        attempts = Attempts()
        if seconds := attempts.begin("ada@example.org", "192.0.2.7"):
            ...  # refuse, and ask the caller to wait so many seconds
        elif password_is_right:
            attempts.succeeded("ada@example.org", "192.0.2.7")
    """

    def __init__(self) -> None:
        """Starts with no attempts."""
        self._of_account = _Budgets(AT_ONCE, SECONDS_EACH)
        self._of_address = _Budgets(AT_ONCE_FROM_ADDRESS, SECONDS_EACH_FROM_ADDRESS)

    def begin(self, account: str, address: str | None) -> int:
        """Counts an attempt.

        Args:
            account: Account, by the name that the caller sent.
            address: Address of the caller; None if unknown.

        Returns:
            0 if the password can be checked now, otherwise the number of seconds to wait.
        """
        moment = time.monotonic()
        pause = self._of_account.pause((account, address), moment)
        if address is not None:
            pause = max(pause, self._of_address.pause(address, moment))
        if pause > 0:
            return int(pause) + 1
        self._of_account.take((account, address), moment)
        if address is not None:
            self._of_address.take(address, moment)
        return 0

    def succeeded(self, account: str, address: str | None) -> None:
        """Forgives all earlier attempts on the account from the address: the password was right."""
        self._of_account.forgive((account, address))
        if address is not None:
            self._of_address.give_back(address)


class _Budgets:
    """A budget of attempts for each key: some at once, then one per interval."""

    def __init__(self, at_once: int, seconds_each: float) -> None:
        self._spare = (at_once - 1) * seconds_each
        self._seconds_each = seconds_each
        # When each budget will be full again. The key that was used least recently comes first.
        self._paid: OrderedDict[Hashable, float] = OrderedDict()

    def pause(self, key: Hashable, moment: float) -> float:
        """Returns the seconds until the next attempt is allowed; zero or less if it is allowed now."""
        return self._paid.get(key, moment) - self._spare - moment

    def take(self, key: Hashable, moment: float) -> None:
        self._paid[key] = max(self._paid.pop(key, moment), moment) + self._seconds_each
        if len(self._paid) > MOST_KEPT:
            self._paid.popitem(last=False)

    def give_back(self, key: Hashable) -> None:
        if key in self._paid:
            self._paid[key] -= self._seconds_each

    def forgive(self, key: Hashable) -> None:
        self._paid.pop(key, None)
