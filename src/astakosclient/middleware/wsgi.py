"""Authentication for WSGI applications."""

from __future__ import annotations

import logging
import os
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from astakosclient.middleware.admission import Admission, Credential, Refusal
from astakosclient.middleware.inquiries import ask
from astakosclient.middleware.user import USER_KEY
from astakosclient.middleware.verdict_cache import Keeping, KeptVerdicts
from astakosclient.middleware.verdicts import Inquiry, Refused, Unavailable, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from astakosclient.middleware.verdicts import IdentityClient

log = logging.getLogger("astakosclient.middleware")


class WSGIAuthentication:
    """Lets requests through whose token Astakos knows, and says whose it is.

    The user, an `AuthenticatedUser`, stands in ``environ["astakos.user"]``: ``request.environ`` of Flask,
    ``request.META`` of Django. None there means: nobody, which only happens where that is allowed. Without
    a token, or with one that is not good, the answer is 401; where Astakos cannot be asked, 503 with
    ``Retry-After``. What Astakos said is kept for a moment (see `Keeping`), and requests that come together
    with the same token ask once. It can be made before a server forks.

    Example:
        .. code-block:: python

            client = AstakosClient("https://accounts.example.com", timeout=5) app = Flask(__name__)
            app.wsgi_app = WSGIAuthentication(app.wsgi_app, client=client, exempt=["/health", "/static/"])
    """

    def __init__(
        self,
        app: WSGIApplication,
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
            client: an `AstakosClient`. Give it a short timeout: so long may a request wait while Astakos
                does not answer. It is not closed here.
            required: whether requests without a token are refused; if not, their user is None. A bad token
                in the header is refused in any case; a bad one in a cookie then counts as none.
            cookie_name: also take the token from this cookie, where there is no header. Then the
                application must protect itself against requests that other sites make browsers send.
            exempt: paths that anybody may use, as clients write them (with ``SCRIPT_NAME``), such as
                ``/health``; one that ends in ``/`` stands for all below it. Their user is None.
            keeping: how long Astakos' word is kept; by default 30 seconds for good tokens, 5 for others.
            realm: what the challenge ``WWW-Authenticate`` calls this service.

        Raises:
            BadValue: an argument cannot be right.
        """
        self._app = app
        self._client = client
        self._keeping = Keeping() if keeping is None else keeping
        self._admission = Admission.of(required=required, cookie_name=cookie_name, exempt=exempt, realm=realm)
        self._verdicts = _Verdicts(client, self._keeping)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let a request through to the application, or answer it."""
        found = None
        if not self._admission.is_exempt(_path(environ)):
            credential = self._admission.credential(
                environ.get("HTTP_X_AUTH_TOKEN"), environ.get("HTTP_COOKIE")
            )
            found = self._admission.decide(credential, self._verdict_on(credential))
        if isinstance(found, Refusal):
            start_response(f"{found.status} {found.reason}", found.headers)
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [found.body]
        environ[USER_KEY] = found
        return self._app(environ, start_response)

    def _verdict_on(self, credential: Credential | None) -> Verdict | None:
        if credential is None:
            return None
        if not self._admission.is_worth_asking(credential):
            return Refused()
        # A lock that another thread held at a fork would stay locked in the child.
        if self._verdicts.pid != os.getpid():
            self._verdicts = _Verdicts(self._client, self._keeping)
        return self._verdicts.on(credential.token)


class _Verdicts:
    """Kept verdicts, and the questions that are being asked, of one process."""

    def __init__(self, client: IdentityClient, keeping: Keeping) -> None:
        self.pid = os.getpid()
        self._client = client
        self._inquiry = Inquiry()
        self._kept = KeptVerdicts(keeping)
        self._lock = threading.Lock()
        self._asking: dict[bytes, Future[Verdict | None]] = {}

    def on(self, token: str) -> Verdict:
        key = self._kept.key_of(token)
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
            # None: whoever asked was stopped before there was an answer.
            if told is not None:
                return told
        return self._ask(token, key, asked_by_me)

    def _ask(self, token: str, key: bytes, asking: Future[Verdict | None]) -> Verdict:
        asked = time.monotonic()
        verdict: Verdict | None = None
        try:
            verdict = told = self._verdict_of_astakos(token)
        finally:
            with self._lock:
                if verdict is not None:
                    self._kept.put(key, verdict, asked)
                del self._asking[key]
            asking.set_result(verdict)
        return told

    def _verdict_of_astakos(self, token: str) -> Verdict:
        verdict = ask(self._client, self._inquiry.judge(), token)
        if isinstance(verdict, Unavailable):
            log.warning("who holds a token could not be found out: %s", verdict.why)
        return verdict


def _path(environ: WSGIEnvironment) -> str:
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path.encode("latin-1", "replace").decode("utf-8", "replace")
