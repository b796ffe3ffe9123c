"""Authentication for ASGI applications."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from astakosclient.middleware.admission import Admission, Credential, Refusal
from astakosclient.middleware.user import USER_KEY
from astakosclient.middleware.verdict_cache import Keeping, KeptVerdicts
from astakosclient.middleware.verdicts import Inquiry, Refused, Unavailable, Verdict

if TYPE_CHECKING:
    from astakosclient.middleware.verdicts import IdentityClient

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

STATE_NAME = "astakos_user"
"""What the user is called in ``request.state`` of Starlette and FastAPI."""

POLICY_VIOLATION, TRY_AGAIN_LATER = 1008, 1013

log = logging.getLogger("astakosclient.middleware")


class ASGIAuthentication:
    """Lets requests and websockets through whose token Astakos knows, and says whose it is.

    The user, an `AuthenticatedUser`, stands in ``scope["astakos.user"]`` and, for Starlette and FastAPI, in
    ``request.state.astakos_user``; None there means: nobody, which only happens where that is allowed.
    Without a token, or with one that is not good, the answer is 401; where Astakos cannot be asked, 503
    with ``Retry-After``. What Astakos said is kept for a moment (see `Keeping`), and requests that come
    together with the same token ask once.

    Example:
        .. code-block:: python

            from starlette.applications import Starlette
            from starlette.middleware import Middleware

            client = AsyncAstakosClient("https://accounts.example.com", timeout=5)
            app = Starlette(routes=routes, middleware=[Middleware(ASGIAuthentication, client=client)])
    """

    def __init__(
        self,
        app: Application,
        *,
        client: IdentityClient,
        required: bool = True,
        cookie_name: str | None = None,
        exempt: Iterable[str] = (),
        keeping: Keeping | None = None,
        realm: str = "astakos",
    ) -> None:
        """Wrap an application.

        Args:
            app: what gets the requests that are let through.
            client: an `AsyncAstakosClient`; or an `AstakosClient`, whose calls are then made in threads.
                Give it a short timeout: so long may a request wait while Astakos does not answer. It is not
                closed here.
            required: whether requests without a token are refused; if not, their user is None. A bad token
                in the header is refused in any case; a bad one in a cookie then counts as none.
            cookie_name: also take the token from this cookie, where there is no header. Then the
                application must protect itself against requests that other sites make browsers send.
            exempt: paths that anybody may use, as clients write them (with ``root_path``), such as
                ``/health``; one that ends in ``/`` stands for all below it. Their user is None.
            keeping: how long Astakos' word is kept; by default 30 seconds for good tokens, 5 for others.
            realm: what the challenge ``WWW-Authenticate`` calls this service.

        Raises:
            BadValue: an argument cannot be right.
        """
        self._app = app
        self._admission = Admission.of(required=required, cookie_name=cookie_name, exempt=exempt, realm=realm)
        self._verdicts = _Verdicts(client, Keeping() if keeping is None else keeping)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or websocket through to the application, or answer it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        found = None
        if not self._admission.is_exempt(scope["path"]):
            credential = self._admission.credential(
                _header(scope, b"x-auth-token", b","), _header(scope, b"cookie", b";")
            )
            verdict = await self._verdict_on(credential)
            found = self._admission.decide(credential, verdict)
        if isinstance(found, Refusal):
            await _refuse(found, scope, receive, send)
            return
        scope[USER_KEY] = found
        scope.setdefault("state", {})[STATE_NAME] = found
        await self._app(scope, receive, send)

    async def _verdict_on(self, credential: Credential | None) -> Verdict | None:
        if credential is None:
            return None
        if not self._admission.is_worth_asking(credential):
            return Refused()
        return await self._verdicts.on(credential.token)


class _Verdicts:
    """Kept verdicts, and the questions that are being asked; usable from any number of event loops."""

    def __init__(self, client: IdentityClient, keeping: Keeping) -> None:
        self._client = client
        self._inquiry = Inquiry()
        self._kept = KeptVerdicts(keeping)
        self._lock = threading.Lock()
        self._asking: dict[tuple[asyncio.AbstractEventLoop, bytes], asyncio.Task[Verdict]] = {}

    async def on(self, token: str) -> Verdict:
        key = self._kept.key_of(token)
        place = asyncio.get_running_loop(), key
        with self._lock:
            verdict = self._kept.get(key, time.monotonic())
            if verdict is not None:
                return verdict
            task = self._asking.get(place)
            if task is None:
                task = self._asking[place] = asyncio.create_task(self._ask(token, key))
                task.add_done_callback(lambda _: self._asking.pop(place, None))
        # Whoever began to ask may go away; the others still want to know.
        return await asyncio.shield(task)

    async def _ask(self, token: str, key: bytes) -> Verdict:
        asked = time.monotonic()
        inquiry = self._inquiry.judge()
        question = next(inquiry)
        try:
            while True:
                try:
                    answer = await _call(getattr(self._client, question.call), token)
                except Exception as error:  # noqa: BLE001 - the inquiry judges it, and raises what is not its own
                    question = inquiry.throw(error)
                else:
                    question = inquiry.send(answer)
        except StopIteration as end:
            verdict: Verdict = end.value
        if isinstance(verdict, Unavailable):
            log.warning("who holds a token could not be found out: %s", verdict.why)
        with self._lock:
            self._kept.put(key, verdict, asked)
        return verdict


async def _call(method: Callable[[str], Any], token: str) -> Any:
    if inspect.iscoroutinefunction(method):
        return await method(token)
    answer = await asyncio.to_thread(method, token)
    return await answer if inspect.isawaitable(answer) else answer


def _header(scope: Scope, name: bytes, separator: bytes) -> str | None:
    values = [value for key, value in scope["headers"] if key == name]
    return separator.join(values).decode("latin-1") if values else None


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()
        kind = "websocket.http.response"
        if kind not in scope.get("extensions", {}):
            code = POLICY_VIOLATION if refusal.status == 401 else TRY_AGAIN_LATER
            await send({"type": "websocket.close", "code": code, "reason": refusal.reason})
            return
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    body = b"" if scope.get("method") == "HEAD" else refusal.body
    await send({"type": f"{kind}.body", "body": body})
