"""Base class of the 0.16 to 0.21 client: stores the token and finds endpoints in the service catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from astakosclient.calls.call import Parts
from astakosclient.client import AstakosClient
from astakosclient.core.address import parse_base_url
from astakosclient.core.conversation import Conversations
from astakosclient.core.synchronous import as_logger, as_retry, as_timeout, as_transport
from astakosclient.errors import BadValue, NoEndpoints
from astakosclient.http1.sync.transport import HttpTransport
from astakosclient.v0_16 import later_calls
from astakosclient.v0_16.discovery import (
    ACCOUNT_SERVICE,
    ACCOUNT_VERSION,
    OAUTH2_SERVICE,
    UI_URL,
    Roots,
    roots_of,
)
from astakosclient.v0_16.last_exchange import Traffic
from astakosclient.v0_16.own_headers import checked_headers, secret_values, with_common_headers
from astakosclient.v0_16.shared_pools import shared_transport

if TYPE_CHECKING:
    import logging
    import ssl
    from collections.abc import Callable, Mapping

    from astakosclient.calls.call import Call
    from astakosclient.core.address import Address
    from astakosclient.core.exchange import Timeout, Transport
    from astakosclient.events import Answered, Attempted
    from astakosclient.retry import Retry
    from astakosclient.v0_16.discovery import Root

T = TypeVar("T")

_warned_of: set[Address] = set()
"""Services already warned about because their catalog names another server; once per process."""


class LocatedClient(AstakosClient):
    """Constructor, settings and endpoint discovery of the 0.16 to 0.21 client.

    The client fetches the service catalog on first use and caches it; `get_endpoints` and `authenticate`
    refresh it. It uses only the paths of the URLs in the catalog, so that it never sends a token to a server
    other than that of ``auth_url``.

    Attributes:
        token: the token of all calls. You can assign another token; it applies from the next call on.
        scheme: ``http`` or ``https``.
        astakos_base_url: host and port of the server, without the scheme.
        auth_prefix: the path of the identity service.
        api_tokens: the path of the identity service's tokens.
    """

    if TYPE_CHECKING:

        def __new__(cls, *arguments: Any, **options: Any) -> Self:  # pyright: ignore[reportReturnType]
            """Creates an object of this class or of a subclass; `__init__` has the arguments."""

    def __init__(
        self,
        token: str,
        auth_url: str,
        retry: int | Retry = 0,
        use_pool: bool = False,
        pool_size: int = 8,
        logger: logging.Logger | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float | Timeout | None = None,
        ssl_context: ssl.SSLContext | None = None,
        transport: Transport | None = None,
        on_attempt: Callable[[Attempted], None] | None = None,
        on_answer: Callable[[Answered], None] | None = None,
    ) -> None:
        """Creates a client; sends nothing.

        Args:
            token: the token of the user or service.
            auth_url: the URL of the identity service, for example ``https://h/astakos/identity/v2.0``.
            retry: maximum number of retries of a call, or a `Retry` policy. Fetching the catalog counts its
                own retries and has its own timeout.
            use_pool: share connections with all clients of this process for the same server. At most
                ``pool_size`` of them are open at once; the first client sets the limit. By default, the
                client has its own connections.
            pool_size: maximum number of idle connections, with or without ``use_pool``.
            logger: logs each attempt at debug level and each retry as a warning; the default is the logger
                ``astakosclient``. Log records never contain a token.
            headers: headers to send with every request; copied.
            timeout: limit for a whole call, in seconds, or a `Timeout`; the default is 60 seconds in total
                and 5 seconds to connect.
            ssl_context: TLS settings; by default, verifies the server against the system's certificate
                authorities. With a custom context, the client does not share connections.
            transport: a custom `Transport`. The client does not close it, and ignores ``use_pool``,
                ``pool_size`` and ``ssl_context``.
            on_attempt: called with an `Attempted` before each attempt; can add headers.
            on_answer: called with an `Answered` after each attempt. Exceptions from hooks are logged and
                otherwise ignored.

        Raises:
            BadValue: an argument is invalid.
        """
        if token is None:
            raise BadValue("AstakosClient: token must not be None")
        address = parse_base_url(auth_url, "auth_url")
        self.token = token
        self.scheme: str = address.scheme
        self.astakos_base_url: str = address.authority
        self.auth_prefix: str = address.prefix
        self.api_tokens: str = f"{address.prefix}/tokens"
        own = checked_headers(headers)
        self._address = address
        self._roots: Roots | None = None
        self._retry = retry
        self._conversations = Conversations(
            # No prefix: `_locate` returns complete paths, built from those in the catalog.
            address=address.changed(prefix=""),
            retry=as_retry(retry),
            timeout=as_timeout(timeout),
            logger=as_logger(logger),
            headers=with_common_headers(own),
            secrets=tuple(secret_values(own)),
            locate=self._locate,
            on_attempt=on_attempt,
            on_answer=on_answer,
        )
        self._own_transport: HttpTransport | None = None
        if transport is None:
            transport = self._made_transport(address, use_pool, pool_size, ssl_context)
        self._transport = self._traffic = Traffic(as_transport(transport))

    def _made_transport(
        self, address: Address, use_pool: bool, pool_size: int, ssl_context: ssl.SSLContext | None
    ) -> Transport:
        if use_pool and ssl_context is None:
            return shared_transport(address, pool_size)
        self._own_transport = HttpTransport(
            address, pool_size=pool_size, bounded=use_pool, ssl_context=ssl_context
        )
        return self._own_transport

    @property
    def retry(self) -> int | Retry:
        """The retry setting: maximum number of retries, or a `Retry`; can be assigned."""
        return self._retry

    @retry.setter
    def retry(self, retry: int | Retry) -> None:
        self._conversations = self._conversations.changed(retry=as_retry(retry))
        self._retry = retry

    @property
    def logger(self) -> logging.Logger:
        """The logger of attempts and retries; can be assigned."""
        return self._conversations.logger

    @logger.setter
    def logger(self, logger: logging.Logger) -> None:
        self._conversations = self._conversations.changed(logger=as_logger(logger))

    @property
    def log_request(self) -> dict[str, Any] | None:
        """The last request of any thread: ``method``, ``path``, ``headers``, and ``body`` if it has one.

        Tokens and other potential secrets are redacted. None before the first request.
        """
        return self._traffic.request

    @property
    def log_response(self) -> dict[str, Any] | None:
        """The response to `log_request`: ``status``, ``message`` and ``data``, with secrets redacted.

        None if no response has arrived.
        """
        return self._traffic.response

    def __repr__(self) -> str:
        """Returns the class and ``auth_url``, without secrets."""
        return f"<{type(self).__name__} of {self._address}>"

    # Making calls

    def _call(self, call: Call[T] | Parts[T]) -> T:
        # Fetches the catalog, if necessary, before the call's timeout starts.
        self._locate(call.calls[0].path if isinstance(call, Parts) else call.path)
        return self._run(call)

    def _locate(self, path: str) -> str:
        part = next(part for part in _PREFIXES if path.startswith(f"{part}/"))
        prefix: str = getattr(self, _PREFIXES[part])
        return (prefix + path.removeprefix(part)).removeprefix("/")

    # Endpoint discovery

    def _discovered(self) -> Roots:
        # No lock: concurrent threads may each fetch the same catalog. A lock would be held during the
        # request, and a child forked at that time could never acquire it.
        if self._roots is not None:
            return self._roots
        catalog = self._call(later_calls.get_catalog(self.token))
        return self._learn(catalog)

    def _learn(self, catalog: Mapping[str, Any]) -> Roots:
        roots = roots_of(catalog)
        self._warn_of_foreign_urls(roots)
        if roots != self._roots:
            self.logger.debug("the service catalog of %s lists %r", self._address, roots)
        self._roots = roots
        return roots

    def _warn_of_foreign_urls(self, roots: Roots) -> None:
        foreign = roots.foreign_urls(self._address)
        if foreign and self._address not in _warned_of:
            _warned_of.add(self._address)
            self.logger.warning(
                "the service catalog of %s names another server, %r; all calls go to %s, with that path",
                self._address,
                foreign[0],
                self._address.origin,
            )

    def _account(self) -> Root:
        return self._discovered().account

    def _ui(self) -> Root:
        root = self._discovered().ui
        if root is None:
            error = NoEndpoints(ACCOUNT_SERVICE, ep_version_id=ACCOUNT_VERSION)
            error.message = f"{error.message} that has {UI_URL}"
            raise error
        return root

    def _oauth2(self) -> Root:
        root = self._discovered().oauth2
        if root is None:
            raise NoEndpoints(OAUTH2_SERVICE)
        return root

    @property
    def account_url(self) -> str:
        """The URL of the account service, as listed in the catalog.

        This property and the following ones fetch the catalog if it is not cached. They raise `NoEndpoints`
        if the catalog does not list the service, and any `AstakosClientException` if fetching it fails.
        """
        return self._account().url

    @property
    def account_prefix(self) -> str:
        """The path of the account service."""
        return self._account().prefix

    @property
    def ui_url(self) -> str:
        """The URL of the web UI, as listed in the catalog."""
        return self._ui().url

    @property
    def ui_prefix(self) -> str:
        """The path of the web UI."""
        return self._ui().prefix

    @property
    def oauth2_url(self) -> str:
        """The URL of the OAuth2 service, as listed in the catalog."""
        return self._oauth2().url

    @property
    def oauth2_prefix(self) -> str:
        """The path of the OAuth2 service."""
        return self._oauth2().prefix

    @property
    def api_usercatalogs(self) -> str:
        """The path of the user catalogs (names and UUIDs), for users."""
        return f"{self.account_prefix}/user_catalogs"

    @property
    def api_service_usercatalogs(self) -> str:
        """The path of the user catalogs (names and UUIDs), for services."""
        return f"{self.account_prefix}/service/user_catalogs"

    @property
    def api_resources(self) -> str:
        """The path of the resources."""
        return f"{self.account_prefix}/resources"

    @property
    def api_quotas(self) -> str:
        """The path of a user's quotas."""
        return f"{self.account_prefix}/quotas"

    @property
    def api_service_quotas(self) -> str:
        """The path of users' quotas, for services."""
        return f"{self.account_prefix}/service_quotas"

    @property
    def api_service_project_quotas(self) -> str:
        """The path of projects' quotas, for services."""
        return f"{self.account_prefix}/service_project_quotas"

    @property
    def api_commissions(self) -> str:
        """The path of the commissions."""
        return f"{self.account_prefix}/commissions"

    @property
    def api_commissions_action(self) -> str:
        """The path for accepting and rejecting several commissions."""
        return f"{self.api_commissions}/action"

    @property
    def api_feedback(self) -> str:
        """The path for feedback."""
        return f"{self.account_prefix}/feedback"

    @property
    def api_projects(self) -> str:
        """The path of the projects."""
        return f"{self.account_prefix}/projects"

    @property
    def api_memberships(self) -> str:
        """The path of the memberships."""
        return f"{self.api_projects}/memberships"

    @property
    def api_user_account(self) -> str:
        """The path of the user's own account settings."""
        return f"{self.account_prefix}/myaccount"

    @property
    def api_getservices(self) -> str:
        """The path of the service list."""
        return f"{self.ui_prefix}/get_services"

    @property
    def api_oauth2_auth(self) -> str:
        """The path of the OAuth2 authorization endpoint, which browsers visit."""
        return f"{self.oauth2_prefix}/auth"

    @property
    def api_oauth2_token(self) -> str:
        """The path of the OAuth2 token endpoint."""
        return f"{self.oauth2_prefix}/token"


_PREFIXES = {
    later_calls.ACCOUNT: "account_prefix",
    later_calls.IDENTITY: "auth_prefix",
    later_calls.UI: "ui_prefix",
    later_calls.OAUTH2: "oauth2_prefix",
}
"""The client attribute that holds the actual prefix of each path prefix in calls."""
