"""A client with a token of its own that finds the parts of its service by the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from astakosclient.calls.call import Parts
from astakosclient.client import AstakosClient
from astakosclient.core.address import parse_base_url
from astakosclient.core.conversation import Conversations
from astakosclient.core.synchronous import as_logger, as_retry, as_timeout
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

    from astakosclient.answer_types import Endpoints
    from astakosclient.calls.call import Call
    from astakosclient.core.address import Address
    from astakosclient.core.exchange import Timeout, Transport
    from astakosclient.events import Answered, Attempted
    from astakosclient.retry import Retry
    from astakosclient.v0_16.discovery import Root

T = TypeVar("T")

_warned_of: set[Address] = set()
"""Services whose catalogue names another server: a process is told of each only once."""


class LocatedClient(AstakosClient):
    """What a client of the later generation is, apart from its calls.

    The identity service is where ``auth_url`` says. Where the others are is asked of the catalogue when it
    is first needed, and then kept; `get_endpoints` and `authenticate` bring it anew. Of the URLs there only
    the paths are used: a token goes to no other server than the one of ``auth_url``.

    Attributes:
        token: whose calls these are. Another token that is assigned holds from the next call on.
        scheme: ``http`` or ``https``.
        astakos_base_url: host and port of the server, without the scheme.
        auth_prefix: the path of the identity service.
        api_tokens: the path of its tokens.
    """

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
        """Prepare a client; nothing is sent yet.

        Args:
            token: the token of the user or service whose calls these are.
            auth_url: the URL of the identity service, such as ``https://h/astakos/identity/v2.0``.
            retry: how often a call may be repeated, or a `Retry`, which says what is repeated and when. The
                first look at the catalogue has attempts, and time, of its own.
            use_pool: share connections with all clients of this process for the same server. At most
                ``pool_size`` of them are open at once; the first client says how many. Otherwise this
                client keeps its own.
            pool_size: how many idle connections are kept, with or without ``use_pool``.
            logger: who is told of each attempt (debug) and each repetition (warning), instead of the
                logger ``astakosclient``. Records never hold a token.
            headers: headers to send with every request; they are copied.
            timeout: the seconds that a whole call may take, or a `Timeout`; by default 60, of which 5 for
                connecting.
            ssl_context: how to verify the server; by default against the system's authorities. A client
                with one of its own has its own connections, too.
            transport: another way to carry requests. The client does not close it; ``use_pool``,
                ``pool_size`` and ``ssl_context`` are then without effect.
            on_attempt: called with an `Attempted` before each attempt; it may add headers.
            on_answer: called with an `Answered` after each attempt. What a hook raises is logged only.

        Raises:
            BadValue: an argument cannot be right.
        """
        if token is None:
            raise BadValue("AstakosClient: token must not be None")
        address = parse_base_url(auth_url, "auth_url")
        self.token = token
        self.scheme = address.scheme
        self.astakos_base_url = address.authority
        self.auth_prefix = address.prefix
        self.api_tokens = f"{address.prefix}/tokens"
        own = checked_headers(headers)
        self._address = address
        self._roots: Roots | None = None
        self._retry = retry
        self._conversations = Conversations(
            # Calls come with whole paths, since the catalogue gives whole paths.
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
        self._transport = self._traffic = Traffic(transport)

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
        """How often a call may be repeated, as it was given; it can be set."""
        return self._retry

    @retry.setter
    def retry(self, retry: int | Retry) -> None:
        self._conversations = self._conversations.changed(retry=as_retry(retry))
        self._retry = retry

    @property
    def logger(self) -> logging.Logger:
        """Who is told of attempts and repetitions; it can be set."""
        return self._conversations.logger

    @logger.setter
    def logger(self, logger: logging.Logger) -> None:
        self._conversations = self._conversations.changed(logger=logger)

    @property
    def log_request(self) -> dict[str, Any] | None:
        """The last request of any thread: ``method``, ``path``, ``headers``, and ``body`` if it had one.

        Tokens and all else that may be secret are blanked. None before the first request.
        """
        return self._traffic.request

    @property
    def log_response(self) -> dict[str, Any] | None:
        """The answer to that request: ``status``, ``message``, ``data``, as `log_request` without secrets.

        None while there is no answer.
        """
        return self._traffic.response

    def __repr__(self) -> str:
        """Where the identity service is, and nothing secret."""
        return f"<{type(self).__name__} of {self._address}>"

    # The course of a call

    def _call(self, call: Call[T] | Parts[T]) -> T:
        """Make a call at the place that the catalogue gives."""
        # The catalogue is asked for before, so that this does not take of the time of the call.
        self._locate(call.calls[0].path if isinstance(call, Parts) else call.path)
        return self._run(call)

    def _locate(self, path: str) -> str:
        part = next(part for part in _PREFIXES if path.startswith(f"{part}/"))
        prefix: str = getattr(self, _PREFIXES[part])
        return (prefix + path.removeprefix(part)).removeprefix("/")

    # What the catalogue says

    def _discovered(self) -> Roots:
        # Threads that get here at once may each ask; they learn the same. A lock would be held for as long
        # as the server takes, and for ever in the child of a fork.
        return self._roots or self._learn(self._call(later_calls.get_catalogue(self.token)))

    def _learn(self, catalogue: Endpoints) -> Roots:
        roots = roots_of(catalogue)
        self._warn_of_strangers(roots)
        if roots != self._roots:
            self.logger.debug("the catalogue of %s says %r", self._address, roots)
        self._roots = roots
        return roots

    def _warn_of_strangers(self, roots: Roots) -> None:
        strangers = roots.strangers(self._address)
        if strangers and self._address not in _warned_of:
            _warned_of.add(self._address)
            self.logger.warning(
                "the catalogue of %s names another server, %r; all calls go to %s, to the path given there",
                self._address,
                strangers[0],
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
        """The URL of the account service, as the catalogue has it.

        This and all the following properties ask for the catalogue if it is not known yet, and then may
        raise any `AstakosClientException`; `NoEndpoints` if the catalogue does not say.
        """
        return self._account().url

    @property
    def account_prefix(self) -> str:
        """The path of the account service."""
        return self._account().prefix

    @property
    def ui_url(self) -> str:
        """The URL of the pages for people, as the catalogue has it."""
        return self._ui().url

    @property
    def ui_prefix(self) -> str:
        """The path of the pages for people."""
        return self._ui().prefix

    @property
    def oauth2_url(self) -> str:
        """The URL of the OAuth2 service, as the catalogue has it."""
        return self._oauth2().url

    @property
    def oauth2_prefix(self) -> str:
        """The path of the OAuth2 service."""
        return self._oauth2().prefix

    @property
    def api_usercatalogs(self) -> str:
        """The path of the names and uuids, for users."""
        return f"{self.account_prefix}/user_catalogs"

    @property
    def api_service_usercatalogs(self) -> str:
        """The path of the names and uuids, for services."""
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
        """The path for resolving many commissions."""
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
        """The path of what users set for themselves."""
        return f"{self.account_prefix}/myaccount"

    @property
    def api_getservices(self) -> str:
        """The path of the components for menus."""
        return f"{self.ui_prefix}/get_services"

    @property
    def api_oauth2_auth(self) -> str:
        """The path to which a browser is sent for a code."""
        return f"{self.oauth2_prefix}/auth"

    @property
    def api_oauth2_token(self) -> str:
        """The path for exchanging a code."""
        return f"{self.oauth2_prefix}/token"


_PREFIXES = {
    later_calls.ACCOUNT: "account_prefix",
    later_calls.IDENTITY: "auth_prefix",
    later_calls.UI: "ui_prefix",
    later_calls.OAUTH2: "oauth2_prefix",
}
"""Which attribute of a client says where the part is that a call's path begins with."""
