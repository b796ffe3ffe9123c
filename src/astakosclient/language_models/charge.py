"""The charge of one request: reserved before it is forwarded, told while it streams, settled at its end."""

import asyncio
import logging
import time
from typing import Any

from astakosclient.async_client import AsyncBoundClient
from astakosclient.core.background import Background
from astakosclient.errors import AstakosClientException, Forbidden, NotFound, QuotaLimit
from astakosclient.language_models.callers import Caller
from astakosclient.language_models.estimates import SCALE, Model, Tokens, require_tokens, require_whole
from astakosclient.language_models.refusals import refusal_of

__all__ = ["Background", "Charge", "require_resources"]

TOKENS, MONEY = "llm.tokens", "llm.usd"
STEP = 32
"""Output tokens that are told ahead: a killed gateway has charged at most so many too much, none too few."""
PAUSES = (0.0, 0.5, 1, 2, 4, 8, 15, 30)
"""Seconds before each attempt to settle, while Astakos does not answer."""
QUIET = 5.0
"""Seconds without calls for a stream after one has failed, so that it does not stall at each token."""

LONGEST = 2 * 3600.0
"""Seconds for which a hold is extended: longer than any request, and not for ever if its end is lost."""
TO_SETTLE = 5.0
"""Seconds that an answer waits for its settlement, which goes on in the background."""

log = logging.getLogger(__name__)


async def require_resources(astakos: AsyncBoundClient) -> None:
    """Makes sure that the resources that are charged are defined, and that they count what is expected.

    Raises:
        ValueError: They are not.
        AstakosClientException: The call failed.
    """
    resources = await astakos.get_resources()
    missing = sorted({TOKENS, MONEY} - resources.keys())
    if missing:
        raise ValueError(f"there is no resource {missing[0]}; define it with astakos resource set")
    scale = resources[MONEY].get("scale", 0)
    if scale != SCALE:
        raise ValueError(f"{MONEY} has the scale {scale}; set it up with --scale {SCALE}")


def _require_kinds(**arguments: tuple[object, type]) -> None:
    for name, (value, kind) in arguments.items():
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be a {kind.__name__}, not {value!r}")


class Charge:
    """What a request is charged: `reserve`, then `cover` before each piece is sent, then `end`."""

    def __init__(
        self,
        astakos: AsyncBoundClient,
        background: Background,
        *,
        request_id: str,
        caller: Caller,
        model: Model,
        most: Tokens,
        at_first: int | None,
        ttl: int,
    ) -> None:
        """Sets what is charged; sends nothing.

        Args:
            astakos: The client with the gateway's token.
            background: Where the settlement runs: one `Background()` for an application. At its end, while
                the client is open, `await background.finish(seconds)` waits for charges that are not settled.
            request_id: Makes repeated calls take effect once; never one that the caller has chosen.
            caller: Who is charged, and from which project; the limits of their key count as well.
            model: Whose prices count.
            most: What the request can take at most.
            at_first: How many output tokens to reserve; the rest is reserved as they come. Once there is no
                room, the stream goes on, and what it takes becomes a debt (`--max-debt` bounds debts). None:
                all are reserved, so that no budget is exceeded.
            ttl: Seconds after which the hold ends if this process has died.

        Raises:
            TypeError, ValueError: An argument is of another type, or out of range.
        """
        _require_kinds(request_id=(request_id, str), caller=(caller, Caller), model=(model, Model))
        require_tokens("most", most)
        if at_first is not None:
            require_whole("at_first", at_first, at_least=0)
        require_whole("ttl", ttl, at_least=1)
        self._astakos = astakos
        self._background = background
        self._id, self._caller = request_id, caller
        self._model, self._most, self._ttl = model, most, ttl
        self._more = at_first or most.output
        self._held = most._replace(output=min(most.output, self._more))
        self._told = Tokens(most.input)
        self._is_asked = False
        self._serial: int | None = None
        self._quiet_until = 0.0
        self._keeping: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    async def reserve(self) -> None:
        """Reserves the estimate. If the request is cancelled meanwhile, rejects it in the background.

        Raises:
            Refused: There is no room, or the call failed.
        """
        self._is_asked = True
        reserving = self._background.start(self._reserve())
        try:
            await asyncio.shield(reserving)
        except asyncio.CancelledError:
            self._background.start(self._abandon(reserving))
            raise

    async def _abandon(self, reserving: asyncio.Task[None]) -> None:
        await asyncio.wait([reserving])
        if self._keeping is not None:
            self._keeping.cancel()
        await self._end(None)

    async def _reserve(self) -> None:
        request = {
            "provisions": self._provisions(self._held),
            "name": f"{self._model.name} {self._id}",
            "ttl": self._ttl,
            "overage": "debt",  # what was used was used, also if this process dies
            "key": self._caller.key,
        }
        try:
            self._serial = await self._astakos.issue_commission(request, idempotency_key=self._id)
        except AstakosClientException as error:
            raise refusal_of(error, writes=self._model.most_output > 0) from None
        # In the background, so that its `finish` also waits for requests that are about to end: a server
        # cancels them and ends its application at the same moment.
        self._keeping = self._background.start(self._keep(self._serial))

    async def _keep(self, serial: int) -> None:
        """Extends the hold for as long as the request runs, however long the model thinks in silence."""
        until = time.monotonic() + LONGEST
        while time.monotonic() < until:
            await asyncio.sleep(self._ttl / 3)
            try:
                await self._astakos.extend_commission(serial, self._ttl)
            except NotFound:
                return  # it has ended, because Astakos could not be reached; its end makes up for that
            except AstakosClientException as error:
                log.warning("%s: could not extend commission %s: %s", self._id, serial, error)

    def served_by(self, model: Model) -> None:
        """Counts the prices of another model, which answers in place of the one that was asked for."""
        self._model = model

    async def cover(self, used: Tokens) -> None:
        """Makes sure that what is about to be sent will be charged, even if this process dies now.

        Args:
            used: What the stream has taken, with what is about to be sent.

        Raises:
            RuntimeError: Nothing has been reserved.
        """
        self._require_reserved()
        is_told = used.output <= self._told.output and used.input <= self._told.input
        if is_told or time.monotonic() < self._quiet_until or self._serial is None:
            return
        ahead = used._replace(output=max(used.output, min(used.output + STEP, self._most.output)))
        try:
            await self._grow(self._serial, ahead)
            await self._astakos.report_progress(self._serial, self._provisions(ahead))
            self._told = ahead
        except AstakosClientException as error:
            # The stream goes on, because its hold does; it is settled at its end.
            log.warning("%s: could not tell what it has taken so far: %s", self._id, error)
            self._quiet_until = time.monotonic() + QUIET

    async def _grow(self, serial: int, ahead: Tokens) -> None:
        if ahead.output <= self._held.output or self._held.output >= self._most.output:
            return
        held = self._held._replace(output=min(ahead.output + self._more, self._most.output))
        try:
            await self._astakos.grow_commission(serial, self._provisions(held))
            self._held = held
        except QuotaLimit:
            pass  # no room to reserve more: what it takes becomes a debt, and the next request is refused

    def end(self, used: Tokens | None) -> asyncio.Task[None]:
        """Settles for what was used, or rejects if None, in a task that survives the request.

        Only the first call counts, so that a `finally` can repeat it.

        Raises:
            TypeError, ValueError: `used` is neither Tokens nor None.
            RuntimeError: Something was used, and nothing has been reserved.
        """
        if used is not None:
            require_tokens("used", used)
            self._require_reserved()
        if self._ending is None:
            if self._keeping is not None:
                self._keeping.cancel()
            self._ending = self._background.start(self._end(used))
        return self._ending

    async def settle(self, used: Tokens | None) -> None:
        """Does the same as `end`, and waits a little until it is done.

        Raises:
            TypeError, ValueError, RuntimeError: As from `end`.
        """
        await asyncio.wait([self.end(used)], timeout=TO_SETTLE)

    def _require_reserved(self) -> None:
        """Refuses to go on for nothing, as after a forgotten `await`."""
        if not self._is_asked:
            raise RuntimeError(
                "nothing is reserved: `await charge.reserve()` before the request is forwarded"
            )

    async def _end(self, used: Tokens | None) -> None:
        if self._serial is None:
            return
        spent = "nothing" if used is None else f"{used} for {self._model.cost(used)} millionths of a dollar"
        for pause in PAUSES:
            await asyncio.sleep(pause)
            try:
                await self._resolve(self._serial, used)
            except AstakosClientException as error:
                log.warning("%s: commission %s is not settled yet: %s", self._id, self._serial, error)
            else:
                log.info("%s: charged %s with %s", self._id, self._caller.user, spent)
                return
        log.error("%s: commission %s should have been charged with %s", self._id, self._serial, spent)

    async def _resolve(self, serial: int, used: Tokens | None) -> None:
        try:
            if used is None:
                await self._astakos.reject_commission(serial)
            else:
                quantities = self._provisions(used)
                await self._astakos.accept_commission(serial, quantities=quantities, overage="debt")
        except NotFound:
            # The hold had ended, because Astakos could not be reached: it was charged what was told.
            if used is not None:
                await self._charge_rest(used)

    async def _charge_rest(self, used: Tokens) -> None:
        told = self._provisions(self._told if self._told.output else Tokens())
        rest = [
            {**now, "quantity": now["quantity"] - before["quantity"]}
            for now, before in zip(self._provisions(used), told, strict=True)
            if now["quantity"] > before["quantity"]
        ]
        if rest:
            request = {
                "provisions": rest,
                "auto_accept": True,
                "force": True,
                "name": f"the rest of {self._id}",
            }
            try:
                with_key = {**request, "key": self._caller.key}
                await self._astakos.issue_commission(with_key, idempotency_key=f"{self._id}-rest")
            except Forbidden:
                # The key has ended meanwhile; its user has not.
                await self._astakos.issue_commission(request, idempotency_key=f"{self._id}-rest-of-user")

    def _provisions(self, tokens: Tokens) -> list[dict[str, Any]]:
        quantities = {TOKENS: tokens.input + tokens.output, MONEY: self._model.cost(tokens)}
        return [
            {
                "holder": self._caller.user,
                "source": self._caller.project,
                "resource": resource,
                "quantity": quantity,
            }
            for resource, quantity in quantities.items()
        ]
