"""An application of Starlette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

from astakosclient import get_token_from_cookie
from client.middleware.stories import COOKIE, story_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.websockets import WebSocket


def whoami(request: Request) -> JSONResponse:
    assert request.state.astakos_user is request.scope["astakos.user"]
    return JSONResponse(story_of(request.state.astakos_user))


def cookie(request: Request) -> JSONResponse:
    return JSONResponse({"token": get_token_from_cookie(request, COOKIE)})


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json(story_of(socket.state.astakos_user))
    await socket.close()


def site() -> Starlette:
    return Starlette(
        routes=[
            Route("/whoami", whoami),
            Route("/cookie", cookie),
            Route("/open/whoami", whoami),
            Route("/health", whoami),
            WebSocketRoute("/talk", talk),
        ]
    )
