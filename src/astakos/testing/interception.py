"""Sits between the server and the service: records each request, and injects failures."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from astakos.testing.failures import FinishedAnswer
from astakos.testing.seen_requests import SeenRequest, TokenNames
from astakos.testing.switches import Switchboard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astakos.http.request import App, Message, Receive, Scope, Send

DISCONNECT = "http.disconnect"


class Interception:
    """Intercepts every request to one service."""

    def __init__(self) -> None:
        """Start without requests and switches."""
        self.requests: list[SeenRequest] = []
        self.switchboard = Switchboard()
        self.tokens = TokenNames()
        self.ending = asyncio.Event()
        self.transport_of: Callable[[Scope], asyncio.Transport | None] = lambda _: None

    def around(self, application: App, prefix: str) -> App:
        """Wrap an application; `prefix` is removed from the recorded paths."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await self._respond(application, prefix, scope, receive, send)
            else:
                await application(scope, receive, send)

        return answer

    async def _respond(
        self, application: App, prefix: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        messages = await _whole_request(receive)
        body = b"".join(message.get("body", b"") for message in messages)
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        path = scope["path"].removeprefix(prefix)
        seen = self.tokens.see(scope["method"], path, scope["query_string"].decode("latin-1"), headers, body)
        self.requests.append(seen)

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
            await send(message)

        exchange = _Exchange(self, application, scope, messages, receive, send_and_note)
        failure = self.switchboard.take(seen.method, path)
        if failure is None:
            await application(scope, exchange.receive, send_and_note)
        else:
            await failure.happen(exchange)


async def _whole_request(receive: Receive) -> list[Message]:
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


class _Exchange:
    """A request that a failure is injected into."""

    def __init__(
        self,
        interception: Interception,
        application: App,
        scope: Scope,
        messages: Sequence[Message],
        receive: Receive,
        send: Send,
    ) -> None:
        self._interception = interception
        self._application = application
        self._scope = scope
        self._messages = list(messages)
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """Replay the messages received so far, then receive new ones."""
        return self._messages.pop(0) if self._messages else await self._receive()

    async def carry_out(self) -> FinishedAnswer:
        status, headers, parts = 0, [], []

        async def keep(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            else:
                parts.append(message.get("body", b""))

        await self._application(self._scope, self.receive, keep)
        return FinishedAnswer(status, headers, b"".join(parts))

    async def answer(self, answer: FinishedAnswer) -> None:
        headers = list(answer.headers)
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": answer.body})

    async def cut(self, last_bytes: bytes = b"") -> None:
        transport = self._interception.transport_of(self._scope)
        if transport is not None:
            transport.write(last_bytes)
            transport.close()
        await self._until_gone()

    async def pause(self, seconds: float) -> bool:
        gone = asyncio.ensure_future(self._until_gone())
        ending = asyncio.ensure_future(self._interception.ending.wait())
        longest = None if math.isinf(seconds) else seconds
        await asyncio.wait((gone, ending), timeout=longest, return_when=asyncio.FIRST_COMPLETED)
        is_there = not gone.done()
        gone.cancel()
        ending.cancel()
        if self._interception.ending.is_set() and is_there:
            await self.cut()
            return False
        return is_there

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != DISCONNECT:
            pass
