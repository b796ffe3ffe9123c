"""Authentication middleware for WSGI applications."""

from __future__ import annotations

import logging
import os
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from astakosclient.core.request_key import HANDLED
from astakosclient.middleware.admission import Admission, Credential, Refusal
from astakosclient.middleware.caller_addresses import CallerAddresses
from astakosclient.middleware.inquiries import ask
from astakosclient.middleware.user import USER_KEY, AuthenticatedUser, key_of
from astakosclient.middleware.verdict_cache import Keeping, KeptVerdicts
from astakosclient.middleware.verdicts import Inquiry, Refused, Unavailable, Verdict, require_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from astakosclient.middleware.verdicts import IdentityClient

log = logging.getLogger("astakosclient.middleware")


class WSGIAuthentication:
    """Authenticates requests by their Astakos token. Thread-safe and fork-safe.

    Handlers find the `AuthenticatedUser` in ``environ["astakos.user"]``; Flask has the environ in
    ``request.environ``, Django in ``request.META``. It is None for an anonymous request, which
    ``required=False`` or ``exempt`` allows. A missing or invalid token gets 401. If Astakos is unavailable,
    the response is 503 with ``Retry-After``. Verdicts of Astakos are cached (see `Keeping`); concurrent
    requests with the same token share one call.

    Example:
        .. code-block:: python

            client = AstakosClient("https://accounts.example.com", timeout=5)
            app = Flask(__name__)
            app.wsgi_app = WSGIAuthentication(app.wsgi_app, client=client, exempt=["/health", "/static/"])
    """

    def __init__(
        self,
        app: WSGIApplication,
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
            app: the WSGI application that receives admitted requests.
            client: an `AstakosClient`. Set a short timeout, because requests wait that long if Astakos does
                not respond. The middleware does not close the client.
            required: refuse requests without a token; otherwise, their user is None. An invalid token in the
                header is always refused. With ``required=False``, an invalid one in the cookie is ignored.
            bearer: also read the token from ``Authorization: Bearer``. Turn this off if the application uses
                that header itself.
            cookie_name: read the token from this cookie if neither header has it. The application must then
                protect itself against cross-site request forgery (CSRF).
            exempt: paths that need no token, including ``SCRIPT_NAME``, for example ``/health``. A path that
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
        self._client = client
        self._keeping = Keeping() if keeping is None else keeping
        self._admission = Admission.of(
            required=required,
            bearer=bearer,
            cookie_name=cookie_name,
            exempt=exempt,
            realm=realm,
            refusal_body=refusal_body,
        )
        self._callers = CallerAddresses(trusted_proxies)
        self._inquiry = Inquiry(service, component_token)
        require_client(client, self._inquiry, may_be_awaited=False)
        self._verdicts = _Verdicts(client, self._keeping, self._inquiry)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Passes a request to the application, or refuses it."""
        found = None if self._admission.is_exempt(_path(environ)) else self._found(environ)
        if isinstance(found, Refusal):
            start_response(f"{found.status} {found.reason}", found.headers)
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [found.body]
        environ[USER_KEY] = found
        # It stays until the thread's next request: a body can be made while it is sent.
        HANDLED.set(key_of(found))
        return self._app(environ, start_response)

    def _found(self, environ: WSGIEnvironment) -> AuthenticatedUser | Refusal | None:
        credential = self._admission.credential(
            environ.get("HTTP_X_AUTH_TOKEN"), environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_COOKIE")
        )
        if isinstance(credential, Refusal):
            return credential
        address = self._callers.address(environ.get("REMOTE_ADDR"), environ.get("HTTP_X_FORWARDED_FOR"))
        return self._admission.decide(credential, self._verdict_on(credential, address), address)

    def _verdict_on(self, credential: Credential | None, address: str | None) -> Verdict | None:
        if credential is None:
            return None
        if not self._admission.is_worth_asking(credential):
            return Refused()
        # After a fork, start afresh: a lock held by another thread at the fork stays locked in the child.
        if self._verdicts.pid != os.getpid():
            self._verdicts = _Verdicts(self._client, self._keeping, self._inquiry)
        return self._verdicts.on(credential.token, address)


class _Verdicts:
    """Cached verdicts and the inquiries in flight, of one process."""

    def __init__(self, client: IdentityClient, keeping: Keeping, inquiry: Inquiry) -> None:
        self.pid = os.getpid()
        self._client = client
        self._inquiry = inquiry
        self._kept = KeptVerdicts(keeping)
        self._lock = threading.Lock()
        self._asking: dict[bytes, Future[Verdict | None]] = {}

    def on(self, token: str, caller: str | None) -> Verdict:
        address = self._inquiry.told_address(caller)
        key = self._kept.key_of(token, address)
        while True:
            with self._lock:
                verdict = self._kept.get(key, time.monotonic())
                if verdict is not None:
                    return verdict
                asked_by_other = self._asking.get(key)
                if asked_by_other is None:
                    asked_by_me: Future[Verdict | None] = Future()
                    self._asking[key] = asked_by_me
                    break
            told = asked_by_other.result()
            # None: the asking thread was interrupted before it had a verdict.
            if told is not None:
                return told
        return self._ask(token, address, key, asked_by_me)

    def _ask(self, token: str, address: str | None, key: bytes, asking: Future[Verdict | None]) -> Verdict:
        asked = time.monotonic()
        verdict: Verdict | None = None
        try:
            verdict = told = self._verdict_of_astakos(token, address)
        finally:
            with self._lock:
                if verdict is not None:
                    self._kept.put(key, verdict, asked)
                del self._asking[key]
            asking.set_result(verdict)
        return told

    def _verdict_of_astakos(self, token: str, address: str | None) -> Verdict:
        verdict = ask(self._client, self._inquiry.judge(token, address))
        if isinstance(verdict, Unavailable):
            log.warning("cannot verify a token: %s", verdict.why)
        return verdict


def _path(environ: WSGIEnvironment) -> str:
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path.encode("latin-1", "replace").decode("utf-8", "replace")
