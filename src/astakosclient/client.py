"""The synchronous clients: the documented one, its form with a bound token, and the choice of generation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from astakosclient.core.address import parse_base_url
from astakosclient.core.conversation import Conversations
from astakosclient.core.synchronous import Synchronous, as_logger, as_retry, as_timeout
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
    # Whoever annotates something as an AstakosClient means the documented one.
    _Face = Calls
else:
    _Face = Synchronous


class AstakosClient(_Face):
    """A client of an Astakos service: who holds this token, and may they have one more?

    Its arguments decide which of two generations it is; both are subclasses of this class.

    * ``AstakosClient(astakos_url, …)`` is the documented client, `DocumentedClient`: the token is the first
      argument of its calls.
    * ``AstakosClient(token, auth_url, …)`` is the client of the versions 0.16 to 0.21, `LaterClient`: it
      keeps the token, and finds everything else in the service catalogue.

    One client can be shared by all threads, and goes on working in forked processes. Every call either
    returns what it says or raises an `AstakosClientException` (see `astakosclient.errors`); arguments that
    cannot be right raise `BadValue` before anything is sent.

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
            """As one of the two."""

    else:

        def __init__(self, *arguments: Any, **options: Any) -> None:
            """Become a client of the generation that the arguments are for.

            So it also works in a subclass that old code has made of this class.
            """
            generation = _generation(arguments, options)
            own = type(self)
            # A plain client is of the generation itself, a subclass of somebody's comes before it.
            self.__class__ = generation if own is AstakosClient else type(own.__name__, (own, generation), {})
            generation.__init__(self, *arguments, **options)


class DocumentedClient(AstakosClient, Calls):
    """The client as its documentation describes it: the token is the first argument of its calls.

    A token is the user's own for the calls on users' own behalf, and a service's for all ``service_…`` calls
    and those about commissions.
    """

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
        """Prepare a client; nothing is sent yet.

        Args:
            astakos_url: the base URL of the service, ``http`` or ``https``; a path is kept as a prefix.
            retry: how often a call may be repeated, or a `Retry`, which says what is repeated and when.
            use_pool: whether at most ``pool_size`` connections may be open at once; a call waits, within
                its time, until one is free. Otherwise each call that finds none idle opens its own.
            pool_size: how many idle connections are kept, with or without ``use_pool``.
            logger: who is told of each attempt (debug) and each repetition (warning), instead of the
                logger ``astakosclient``. Records never hold a token.
            timeout: the seconds that a whole call may take, or a `Timeout`; by default 60, of which 5 for
                connecting.
            ssl_context: how to verify the server; by default against the system's authorities.
            transport: another way to carry requests. The client does not close it; ``use_pool``,
                ``pool_size`` and ``ssl_context`` are then without effect.
            on_attempt: called with an `Attempted` before each attempt; it may add headers.
            on_answer: called with an `Answered` after each attempt. What a hook raises is logged only.

        Raises:
            BadValue: an argument cannot be right.
        """
        address = parse_base_url(astakos_url)
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
        self._transport = transport

    def bind(self, token: str | None) -> BoundClient:
        """The same calls without their first argument; it shares all connections with this client.

        Example:
            .. code-block:: python

                me = client.bind(token)
                me.get_quotas()
        """
        return BoundClient(self, token)


class BoundClient(BoundCalls):
    """The documented client with a token that all its calls use; made by `DocumentedClient.bind`."""

    def __init__(self, client: DocumentedClient, token: str | None) -> None:
        """Share everything with a client."""
        self._conversations = client._conversations  # noqa: SLF001 - of one package
        self._transport = client._transport  # noqa: SLF001
        self._own_transport = client._own_transport  # noqa: SLF001
        self._token = token


def _generation(arguments: tuple[Any, ...], options: dict[str, Any]) -> type[AstakosClient]:
    """Which client the arguments are for; see client-api §8.

    Raises:
        BadValue: they are for both, or for none.
    """
    two_strings = len(arguments) > 1 and isinstance(arguments[1], str)
    later = two_strings or any(name in options for name in OF_THE_LATER)
    documented = OF_THE_DOCUMENTED in options
    if later and documented:
        raise BadValue("AstakosClient: give either astakos_url, or token and auth_url, not both")
    if not arguments and not later and not documented:
        raise BadValue("AstakosClient: give the URL of the service, or token and auth_url")
    if later:
        from astakosclient.v0_16.later_client import LaterClient  # noqa: PLC0415 - most need only one of the two

        return LaterClient
    return DocumentedClient
