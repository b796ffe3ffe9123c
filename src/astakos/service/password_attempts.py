"""How often passwords may be tried, so that none is guessed and no stranger locks a user out."""

import time
from collections import OrderedDict
from collections.abc import Hashable

AT_ONCE = 10
"""How many wrong passwords one address may try on one account without a pause."""
SECONDS_EACH = 30.0
"""After how many seconds it may try one more."""
AT_ONCE_FROM_ADDRESS = 100
SECONDS_EACH_FROM_ADDRESS = 3.0
"""The same for one address on all accounts together."""
MOST_KEPT = 20_000


class Attempts:
    """Counts wrong passwords, of each account from each address, and of each address on all accounts.

    Nothing is counted for an account alone: whoever tries passwords from elsewhere does not keep its user
    out. What is tried counts at once, and no more if it was right; else many could be tried together.

        attempts = Attempts()
        if seconds := attempts.begin("ada@example.org", "192.0.2.7"):
            ...  # refuse, and say to try again after so many seconds
        elif password_is_right:
            attempts.succeeded("ada@example.org", "192.0.2.7")
    """

    def __init__(self) -> None:
        """Begin with a clean slate."""
        self._of_account = _Budgets(AT_ONCE, SECONDS_EACH)
        self._of_address = _Budgets(AT_ONCE_FROM_ADDRESS, SECONDS_EACH_FROM_ADDRESS)

    def begin(self, account: str, address: str | None) -> int:
        """Count that a password is tried.

        Args:
            account: which one it is for, by the name that the caller gives.
            address: where the caller is; None if that is not known.

        Returns:
            0 if it may be checked, else after how many seconds to try again.
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
        """The password was right: what was tried before on this account from there is forgiven."""
        self._of_account.forgive((account, address))
        if address is not None:
            self._of_address.give_back(address)


class _Budgets:
    """For each key so many at once, and then one in so many seconds."""

    def __init__(self, at_once: int, seconds_each: float) -> None:
        self._spare = (at_once - 1) * seconds_each
        self._seconds_each = seconds_each
        # Until when all that was taken is paid for. The oldest is first.
        self._paid: OrderedDict[Hashable, float] = OrderedDict()

    def pause(self, key: Hashable, moment: float) -> float:
        """For how many seconds nothing can be taken."""
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
