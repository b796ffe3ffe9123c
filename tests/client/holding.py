"""A transport that lets a test act while a call is on its way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from astakosclient import AsyncHttpTransport

if TYPE_CHECKING:
    from astakosclient import Answer, Request, Timeout


class Holding:
    """A transport that passes everything on, and holds back the answers to some requests."""

    def __init__(self, url: str, path: str) -> None:
        self._inner = AsyncHttpTransport(url)
        self._path = path
        self.is_held = asyncio.Event()
        self.let_go = asyncio.Event()

    async def send(self, request: Request, timeout: Timeout) -> Answer:  # noqa: ASYNC109 - of the protocol
        received = await self._inner.send(request, timeout)
        if request.target.endswith(self._path):
            self.is_held.set()
            await self.let_go.wait()
        return received

    async def aclose(self) -> None:
        await self._inner.aclose()
