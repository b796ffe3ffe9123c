"""The synchronous clients: `AstakosClient`, which selects the API version, and its 0.14 implementations."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Self, overload

from astakosclient.core.address import parse_service_url
from astakosclient.core.conversation import Conversations
from astakosclient.core.synchronous import Synchronous, as_logger, as_retry, as_timeout, as_transport
from astakosclient.errors import BadValue
from astakosclient.http1.sync.transport import HttpTransport
from astakosclient.methods.bound_methods import BoundCalls
from astakosclient.methods.documented_methods import Calls

if TYPE_CHECKING:
    import logging
    import ssl
    from collections.abc import Callable, Mapping

    from astakosclient.core.exchange import Timeout, Transport
    from astakosclient.events import Answered, Attempted
    from astakosclient.retry import Retry
    from astakosclient.v0_16.later_client import LaterClient

OF_THE_DOCUMENTED = "astakos_url"
OF_THE_LATER = ("token", "auth_url", "headers")


if TYPE_CHECKING:
    # In annotations, AstakosClient means the documented (0.14) client.
    _Face = Calls
else:
    _Face = Synchronous


class AstakosClient(_Face):
    """A client for the Astakos identity and quota service.

    The constructor arguments select the API version. Both versions are subclasses of this class:

    * ``AstakosClient(astakos_url, …)`` creates a `DocumentedClient` (0.14): each call takes the token as its
      first argument.
    * ``AstakosClient(token, auth_url, …)`` creates a `LaterClient` (0.16 to 0.21): it stores the token and
      finds the service's endpoints in the service catalog.

    ``help(astakosclient.DocumentedClient)`` lists the arguments and the calls. To add methods, make a
    subclass of one of the two.

    A client is thread-safe and fork-safe. Every call either returns its documented result or raises an
    `AstakosClientException` (see `astakosclient.errors`). Invalid arguments raise `BadValue`, and the client
    sends nothing.

    Example:
        .. code-block:: python

            from astakosclient import AstakosClient

            with AstakosClient("https://accounts.example.com", retry=2) as client:
                user_info = client.get_user_info("UQpYas7ElzWGD5yCcEXtjw")
                print(user_info["username"])
    """

    if TYPE_CHECKING:

        @overload
        def __new__(
            cls,
            astakos_url: str,
            retry: int | Retry = 0,
            use_pool: bool = False,
            pool_size: int = 8,
            logger: logging.Logger | None = None,
            *,
            timeout: float | Timeout | None = None,
            ssl_context: ssl.SSLContext | None = None,
            transport: Transport | None = None,
            on_attempt: Callable[[Attempted], None] | None = None,
            on_answer: Callable[[Answered], None] | None = None,
        ) -> DocumentedClient: ...

        @overload
        def __new__(
            cls,
            token: str | None,
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
        ) -> LaterClient: ...

        def __new__(cls, *arguments: Any, **options: Any) -> Any:
            """Creates a client of the API version that the arguments select."""

    else:

        def __init__(self, *arguments: Any, **options: Any) -> None:
            """Turns this object into a client of the API version that the arguments select.

            Changing ``__class__`` here, rather than in ``__new__``, also supports existing subclasses of
            `AstakosClient`.
            """
            generation = _generation(arguments, options)
            own = type(self)
            # A user's subclass keeps its methods: it precedes the selected class in the MRO.
            self.__class__ = generation if own is AstakosClient else _joined(own, generation)
            generation.__init__(self, *arguments, **options)


class DocumentedClient(AstakosClient, Calls):
    """The client of the documented API (0.14): each call takes the token as its first argument.

    Pass a service's token to ``service_…`` calls and to calls about commissions, and a user's token to all
    other calls.
    """

    if TYPE_CHECKING:

        def __new__(cls, *arguments: Any, **options: Any) -> Self:  # pyright: ignore[reportReturnType]
            """Creates an object of this class or of a subclass; `__init__` has the arguments."""

    def __init__(
        self,
        astakos_url: str,
        retry: int | Retry = 0,
        use_pool: bool = False,
        pool_size: int = 8,
        logger: logging.Logger | None = None,
        *,
        timeout: float | Timeout | None = None,
        ssl_context: ssl.SSLContext | None = None,
        transport: Transport | None = None,
        on_attempt: Callable[[Attempted], None] | None = None,
        on_answer: Callable[[Answered], None] | None = None,
    ) -> None:
        """Creates a client; sends nothing.

        Args:
            astakos_url: the base URL of the service, with scheme ``http`` or ``https``. A path is kept as a
                prefix.
            retry: maximum number of retries of a call, or a `Retry` policy.
            use_pool: limit open connections to ``pool_size``. A call waits for a free connection, up to its
                timeout. By default, a call that finds no idle connection opens another one.
            pool_size: maximum number of idle connections, with or without ``use_pool``.
            logger: logs each attempt at debug level and each retry as a warning; the default is the logger
                ``astakosclient``. Log records never contain a token.
            timeout: limit for a whole call, in seconds, or a `Timeout`; the default is 60 seconds in total
                and 5 seconds to connect.
            ssl_context: TLS settings; by default, verifies the server against the system's certificate
                authorities.
            transport: a custom `Transport`. The client does not close it, and ignores ``use_pool``,
                ``pool_size`` and ``ssl_context``.
            on_attempt: called with an `Attempted` before each attempt; can add headers.
            on_answer: called with an `Answered` after each attempt. Exceptions from hooks are logged and
                otherwise ignored.

        Raises:
            BadValue: an argument is invalid.
        """
        address = parse_service_url(astakos_url)
        self._conversations = Conversations(
            address=address,
            retry=as_retry(retry),
            timeout=as_timeout(timeout),
            logger=as_logger(logger),
            on_attempt=on_attempt,
            on_answer=on_answer,
        )
        self._own_transport: HttpTransport | None = None
        if transport is None:
            transport = self._own_transport = HttpTransport(
                address, pool_size=pool_size, bounded=use_pool, ssl_context=ssl_context
            )
        self._transport = as_transport(transport)

    def bind(self, token: str | None) -> BoundClient:
        """Returns a client bound to the token, so that its calls do not take one. Shares all connections.

        Example:
            .. code-block:: python

                me = client.bind(token)
                me.get_quotas()
        """
        return BoundClient(self, token)


class BoundClient(BoundCalls):
    """The documented client bound to one token; created by `DocumentedClient.bind`."""

    def __init__(self, client: DocumentedClient, token: str | None) -> None:
        """Shares settings and connections with ``client``."""
        self._conversations = client._conversations  # noqa: SLF001 - same package
        self._transport = client._transport  # noqa: SLF001
        self._own_transport = client._own_transport  # noqa: SLF001
        self._token = token


@cache
def _joined(own: type[AstakosClient], generation: type[AstakosClient]) -> type[AstakosClient]:
    """Returns the class of the objects of a user's subclass that are of an API version: one, not one each."""
    names = {"__module__": own.__module__, "__qualname__": own.__qualname__, "__doc__": own.__doc__}
    return type(own.__name__, (own, generation), names)


def _generation(arguments: tuple[Any, ...], options: dict[str, Any]) -> type[AstakosClient]:
    """Returns the client class that the constructor arguments select.

    Unambiguous: the second positional argument is ``retry`` (an int) in 0.14 and ``auth_url`` (a string) in
    0.16 and later. None is a URL that was not configured: no program passes it for ``retry``.

    Raises:
        BadValue: the arguments fit both classes, or there are none.
    """
    has_url = "auth_url" in options
    two_strings = len(arguments) > 1 and isinstance(arguments[1], str | None)
    later = two_strings or any(name in options for name in OF_THE_LATER)
    documented = OF_THE_DOCUMENTED in options
    if later and (documented or ("token" in options and arguments) or (two_strings and has_url)):
        raise BadValue("AstakosClient: pass either astakos_url, or token and auth_url, not both")
    has_nothing = not arguments and not later and not documented
    if has_nothing or (later and not two_strings and not has_url):
        raise BadValue("AstakosClient: pass astakos_url, or token and auth_url")
    if later:
        from astakosclient.v0_16.later_client import LaterClient  # noqa: PLC0415 - most programs do not need it

        return LaterClient
    return DocumentedClient
