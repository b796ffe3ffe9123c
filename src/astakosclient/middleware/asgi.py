"""Authentication middleware for ASGI applications."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from astakosclient.core.request_key import HANDLED
from astakosclient.middleware.admission import Admission, Credential, Refusal
from astakosclient.middleware.caller_addresses import CallerAddresses
from astakosclient.middleware.user import USER_KEY, AuthenticatedUser, key_of
from astakosclient.middleware.verdict_cache import Keeping, KeptVerdicts
from astakosclient.middleware.verdicts import Inquiry, Refused, Unavailable, Verdict, require_client

if TYPE_CHECKING:
    from astakosclient.middleware.verdicts import IdentityClient, Question

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

STATE_NAME = "astakos_user"
"""The attribute of Starlette's and FastAPI's ``request.state`` that holds the user."""

POLICY_VIOLATION, TRY_AGAIN_LATER = 1008, 1013

log = logging.getLogger("astakosclient.middleware")


class ASGIAuthentication:
    """Authenticates HTTP requests and WebSockets by their Astakos token.

    Handlers find the `AuthenticatedUser` in ``scope["astakos.user"]`` and, with Starlette and FastAPI, in
    ``request.state.astakos_user``. It is None for an anonymous request, which ``required=False`` or
    ``exempt`` allows. A missing or invalid token gets 401. If Astakos is unavailable, the response is 503
    with ``Retry-After``. Verdicts of Astakos are cached (see `Keeping`); concurrent requests with the same
    token share one call.

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
        bearer: bool = True,
        cookie_name: str | None = None,
        exempt: Iterable[str] = (),
        keeping: Keeping | None = None,
        realm: str = "astakos",
        refusal_body: Callable[[int, str], object] | None = None,
        service: str | None = None,
        component_token: str | None = None,
        trusted_proxies: Iterable[str] = (),
    ) -> None:
        """Wraps an application.

        Args:
            app: the ASGI application that receives admitted requests.
            client: an `AsyncAstakosClient`, or an `AstakosClient`, whose calls run in threads. Set a short
                timeout, because requests wait that long if Astakos does not respond. The middleware does
                not close the client.
            required: refuse requests without a token; otherwise, their user is None. An invalid token in the
                header is always refused. With ``required=False``, an invalid one in the cookie is ignored.
            bearer: also read the token from ``Authorization: Bearer``. Turn this off if the application uses
                that header itself.
            cookie_name: read the token from this cookie if neither header has it. The application must then
                protect itself against cross-site request forgery (CSRF).
            exempt: paths that need no token, including ``root_path``, for example ``/health``. A path that
                ends in ``/`` covers everything below it. Their user is None.
            keeping: how long to cache verdicts; by default 30 seconds for valid tokens and 5 for others.
            realm: the realm in the ``WWW-Authenticate`` challenge.
            refusal_body: returns the JSON document of a refusal, for its status and message, if callers
                expect another than Astakos's.
            service: the name of this service. Keys that are limited to services are admitted only if it is
                one of these.
            component_token: the token of this service's component, in place of ``service``. The middleware
                then asks with `introspect_token`, and also admits keys that are limited to networks: it tells
                the address of the caller, which Astakos believes of components alone.
            trusted_proxies: networks or addresses of the proxies whose ``X-Forwarded-For`` is believed. All
                others count as callers themselves, at the address that the server tells.

        Raises:
            BadValue: an argument is invalid.
        """
        self._app = app
        self._admission = Admission.of(
            required=required,
            bearer=bearer,
            cookie_name=cookie_name,
            exempt=exempt,
            realm=realm,
            refusal_body=refusal_body,
        )
        self._callers = CallerAddresses(trusted_proxies)
        inquiry = Inquiry(service, component_token)
        require_client(client, inquiry, may_be_awaited=True)
        self._verdicts = _Verdicts(client, Keeping() if keeping is None else keeping, inquiry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request or WebSocket to the application, or refuses it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        found = None if self._admission.is_exempt(scope["path"]) else await self._found(scope)
        if isinstance(found, Refusal):
            await _refuse(found, scope, receive, send)
            return
        scope[USER_KEY] = found
        scope.setdefault("state", {})[STATE_NAME] = found
        before = HANDLED.set(key_of(found))
        try:
            await self._app(scope, receive, send)
        finally:
            HANDLED.reset(before)

    async def _found(self, scope: Scope) -> AuthenticatedUser | Refusal | None:
        credential = self._admission.credential(
            _header(scope, b"x-auth-token", b","),
            _header(scope, b"authorization", b","),
            _header(scope, b"cookie", b";"),
        )
        if isinstance(credential, Refusal):
            return credential
        client = scope.get("client")
        address = self._callers.address(
            client[0] if client else None, _header(scope, b"x-forwarded-for", b",")
        )
        return self._admission.decide(credential, await self._verdict_on(credential, address), address)

    async def _verdict_on(self, credential: Credential | None, address: str | None) -> Verdict | None:
        if credential is None:
            return None
        if not self._admission.is_worth_asking(credential):
            return Refused()
        return await self._verdicts.on(credential.token, address)


class _Verdicts:
    """Cached verdicts and the inquiries in flight; usable from any number of event loops."""

    def __init__(self, client: IdentityClient, keeping: Keeping, inquiry: Inquiry) -> None:
        self._client = client
        self._inquiry = inquiry
        self._kept = KeptVerdicts(keeping)
        self._lock = threading.Lock()
        self._asking: dict[tuple[asyncio.AbstractEventLoop, bytes], asyncio.Task[Verdict]] = {}

    async def on(self, token: str, caller: str | None) -> Verdict:
        address = self._inquiry.told_address(caller)
        key = self._kept.key_of(token, address)
        place = asyncio.get_running_loop(), key
        with self._lock:
            verdict = self._kept.get(key, time.monotonic())
            if verdict is not None:
                return verdict
            task = self._asking.get(place)
            if task is None:
                task = self._asking[place] = asyncio.create_task(self._ask(token, address, key))
                task.add_done_callback(lambda _: self._asking.pop(place, None))
        # Cancelling one request must not cancel the inquiry for the others.
        return await asyncio.shield(task)

    async def _ask(self, token: str, address: str | None, key: bytes) -> Verdict:
        asked = time.monotonic()
        inquiry = self._inquiry.judge(token, address)
        question = next(inquiry)
        try:
            while True:
                try:
                    answer = await _call(getattr(self._client, question.call), question)
                except Exception as error:  # noqa: BLE001 - the inquiry handles it or re-raises it
                    question = inquiry.throw(error)
                else:
                    question = inquiry.send(answer)
        except StopIteration as end:
            verdict: Verdict = end.value
        if isinstance(verdict, Unavailable):
            log.warning("cannot verify a token: %s", verdict.why)
        with self._lock:
            self._kept.put(key, verdict, asked)
        return verdict


async def _call(method: Callable[..., Any], question: Question) -> Any:
    if inspect.iscoroutinefunction(method):
        return await method(*question.arguments, **question.options)
    answer = await asyncio.to_thread(method, *question.arguments, **question.options)
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
            code = TRY_AGAIN_LATER if refusal.status == 503 else POLICY_VIOLATION
            await send({"type": "websocket.close", "code": code, "reason": refusal.reason})
            return
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    body = b"" if scope.get("method") == "HEAD" else refusal.body
    await send({"type": f"{kind}.body", "body": body})
