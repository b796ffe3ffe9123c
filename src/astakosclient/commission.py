"""A commission as a `with` block: issued on entry, accepted on success or once settled, else rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from astakosclient.calls import commissions, faults
from astakosclient.errors import AstakosClientException, BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astakosclient.core.synchronous import Synchronous

INTERRUPTED = "a commission may have been issued; if so, it is pending, and get_pending_commissions lists it"
"""Noted on an exception that is not the client's, for example KeyboardInterrupt, during an issue."""


class Commission:
    """Reserves quota for the duration of a block of code; created by ``client.commission(…)``.

    Attributes:
        serial: the serial of the pending commission; None outside the block.
    """

    def __init__(
        self,
        client: Synchronous,
        token: str | None,
        holder: str,
        source: str,
        provisions: Mapping[str, int],
        **options: Any,
    ) -> None:
        """Stores the arguments, which are those of `issue_one_commission`; sends nothing."""
        self.serial: int | None = None
        self._client = client
        self._token = token
        self._holder = holder
        self._source = source
        self._wanted = provisions
        self._provisions = provisions
        self._options = options
        self._is_entered = False
        self._quantities: Sequence[Mapping[str, Any]] | None = None
        self._overage: str | None = None
        self._used: Mapping[str, int] | None = None

    def settle(self, used: Mapping[str, int]) -> None:
        """Sets the quantities to accept at the end of the block, also if the block then raises an exception.

        Sends nothing. Call it again to set others. Requires this project's server; original Astakos servers
        accept all or nothing.

        Args:
            used: quantity by resource. Resources not listed are accepted in full. What was used was used:
                more than was issued is charged even beyond the limit, which then has to be made up for.

        Raises:
            BadValue: ``used`` is not a mapping, names a resource that was not issued or a quantity out of
                range, or the block has not been entered. What was settled before stays settled. On servers
                that accept no more than was issued, ``used`` can be more: then, if nothing was settled
                before, the issued quantities are settled instead.
            AstakosClientException: the server does not support accepting less than was issued.
        """
        self._pending()
        server = self._client._conversations.server  # noqa: SLF001 - same package
        if server.is_known and not server.supports(commissions.QUANTITIES):
            raise AstakosClientException("the server does not support accepting less than was issued")
        beyond = server.supports(commissions.OVERAGE)
        try:
            self._quantities = self._settlement(used, beyond=beyond)
        except BadValue:
            most = commissions.limited(self._provisions, used)
            if self._quantities is None and most is not None:
                self._quantities = self._settlement(most, beyond=False)
            raise
        exceeds = any(quantity > self._provisions[resource] for resource, quantity in used.items())
        self._overage = "debt" if exceeds else None

    def _settlement(self, used: Mapping[str, int], *, beyond: bool) -> Sequence[Mapping[str, Any]]:
        return commissions.settlement(self._holder, self._source, self._provisions, used, beyond=beyond)

    def progress(self, used: Mapping[str, int]) -> None:
        """Tells the server what has been used so far: that is charged if this process dies, and not nothing.

        The same if the block raises an exception and has settled nothing.

        Args:
            used: quantity by resource; nothing of the others.

        Raises:
            BadValue: ``used`` is not a mapping, or the block has not been entered.
            AstakosClientException: the call failed.
        """
        quantities = commissions.provisions_of(self._holder, self._source, used)
        call = commissions.report_progress(self._token, self._pending(), quantities)
        self._client._run(call)  # noqa: SLF001 - same package
        self._used = {**dict.fromkeys(self._provisions, 0), **used}

    def grow(self, provisions: Mapping[str, int]) -> None:
        """Raises what is reserved to new totals.

        Args:
            provisions: the new quantity by resource, not below the present one.

        Raises:
            QuotaLimit: it would exceed a limit; what is reserved has not changed.
            BadValue: ``provisions`` is not a mapping, or the block has not been entered.
            AstakosClientException: the call failed.
        """
        quantities = commissions.provisions_of(self._holder, self._source, provisions)
        call = commissions.grow_commission(self._token, self._pending(), quantities, force=False)
        self._client._run(call)  # noqa: SLF001 - same package
        self._provisions = {**self._provisions, **provisions}

    def extend(self, ttl: int) -> str | None:
        """Lets the commission expire ``ttl`` seconds from now, unless it does so later already.

        Returns:
            When it expires, in ISO 8601; None if it does not.

        Raises:
            BadValue: the block has not been entered.
            AstakosClientException: the call failed.
        """
        call = commissions.extend_commission(self._token, self._pending(), ttl)
        return self._client._run(call)  # noqa: SLF001 - same package

    def _pending(self) -> int:
        if self.serial is None:
            raise BadValue("use the commission inside its with block")
        return self.serial

    def __enter__(self) -> Self:
        """Issues the commission; raises the same exceptions as `issue_one_commission`.

        Raises:
            BadValue: the object is in use: it has one block at a time, and can have another one afterwards.
        """
        if self._is_entered:
            # Its serial would be lost, and the first commission pending for ever.
            raise BadValue("this commission is issued already; call client.commission(…) for each block")
        call = commissions.issue_one_commission(
            self._token, self._holder, self._source, self._wanted, **self._options
        )
        self._provisions = self._wanted
        self._quantities = self._overage = self._used = None
        self._is_entered = True
        try:
            self.serial = self._client._run(call)  # noqa: SLF001 - same package
        except BaseException as interruption:
            self._is_entered = False
            if not isinstance(interruption, AstakosClientException):
                interruption.add_note(INTERRUPTED)
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Accepts the commission if the block succeeded, settled it or told its progress; else rejects it.

        An exception of the block propagates. If the request then fails, adds a note with the serial to it. So
        does an interruption of the request itself, for example by Ctrl-C.

        Raises:
            NotFound: the commission was not pending any more; for example, its ``ttl`` had expired.
            AstakosClientException: accepting failed; the commission may still be pending.
        """
        if error is not None and self._quantities is None and self._used is not None:
            self.settle(self._used)
        serial, self.serial = self._pending(), None
        self._is_entered = False
        accepts = error is None or self._quantities is not None
        quantities = self._quantities if accepts else None
        action, done = ("accept", "accepted") if accepts else ("reject", "rejected")
        call = commissions.commission_action(self._token, serial, action, quantities, self._overage)
        try:
            self._client._run(call)  # noqa: SLF001 - same package
        except AstakosClientException as trouble:
            if error is None:
                raise
            doubt = "" if trouble.said == faults.NOT_PENDING else " and may still be pending"
            error.add_note(f"commission {serial} could not be {done}{doubt}: {trouble}")
        except BaseException as interruption:
            interruption.add_note(f"commission {serial} may not have been {done} yet")
            raise

    def __repr__(self) -> str:
        """Returns class and serial, without the token."""
        return f"<{type(self).__name__} {self.serial or 'not pending'}>"
