"""A commission for an `async with` block: issued on entry, accepted at its end, rejected if it raises.

Made by tools/generate_methods.py from commission.py; change it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from astakosclient.calls import commissions
from astakosclient.errors import AstakosClientException, BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astakosclient.core.asynchronous import Asynchronous


class AsyncCommission:
    """Quantities that are held while a block of code uses them; made by `commission` of a client.

    Attributes:
        serial: the serial of the commission; None outside the block.
    """

    def __init__(
        self,
        client: Asynchronous,
        token: str | None,
        holder: str,
        source: str,
        provisions: Mapping[str, int],
        **options: Any,
    ) -> None:
        """Prepare; nothing is issued yet. The options are those of `issue_one_commission`."""
        self.serial: int | None = None
        self._client = client
        self._token = token
        self._holder = holder
        self._source = source
        self._provisions = provisions
        self._options = options
        self._quantities: Sequence[Mapping[str, Any]] | None = None

    def settle(self, used: Mapping[str, int]) -> None:
        """Say that less was used than was issued: at the end of the block, that much is accepted.

        Args:
            used: the quantity of some of the resources, between 0 and what was issued; of the others, all.

        Raises:
            BadValue: a resource is not in this commission, or a quantity is not between 0 and the issued one.
            AstakosClientException: the service is known to accept all or nothing.
        """
        if self.serial is None:
            raise BadValue("settle belongs inside the async with block of the commission")
        server = self._client._conversations.server  # noqa: SLF001 - of one package
        if server.is_known and not server.supports(commissions.QUANTITIES):
            raise AstakosClientException("this service can not accept less than was issued")
        self._quantities = commissions.settlement(self._holder, self._source, self._provisions, used)

    async def __aenter__(self) -> Self:
        """Issue the commission; as for `issue_one_commission`, `QuotaLimit` if a limit would be exceeded."""
        call = commissions.issue_one_commission(
            self._token, self._holder, self._source, self._provisions, **self._options
        )
        self._quantities = None
        self.serial = await self._client._run(call)  # noqa: SLF001 - of one package
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Accept it, or reject it if the block raised; what the block raised goes on."""
        serial, self.serial = self.serial, None
        assert serial is not None  # noqa: S101 - entered before
        action = "accept" if error is None else "reject"
        quantities = self._quantities if error is None else None
        call = commissions.commission_action(self._token, serial, action, quantities)
        try:
            await self._client._run(call)  # noqa: SLF001 - of one package
        except AstakosClientException as trouble:
            if error is None:
                raise
            error.add_note(f"commission {serial} could not be rejected and may still be pending: {trouble}")

    def __repr__(self) -> str:
        """The serial, and no token."""
        return f"<{type(self).__name__} {self.serial or 'not issued'}>"
