"""The synchronous client: one method per call of the API, the token first."""

from __future__ import annotations

import enum
import logging
import time
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from astakosclient import calls
from astakosclient.address import parse_base_url
from astakosclient.conversation import TROUBLE, Attempt, Conversations
from astakosclient.exchange import Timeout, Transport
from astakosclient.retry import Retry
from astakosclient.transport import HttpTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

    from astakosclient.calls import Call

T = TypeVar("T")


class _Absent(enum.Enum):
    """Not given; None is a value that can be given."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "<absent>"


_ABSENT: Final = _Absent.ABSENT


class AstakosClient:
    """A client of an Astakos service: who holds this token, and may they have one more?

    One client can be shared by all threads, and goes on working in forked processes. Every call either
    returns what it says or raises an `AstakosClientException` (see `astakosclient.errors`); arguments that
    cannot be right raise `BadValue` before anything is sent.

    A token is the user's own for the calls on users' own behalf, and a service's for all ``service_…`` calls
    and those about commissions.

    Example:
        .. code-block:: python

            from astakosclient import AstakosClient

            with AstakosClient("https://accounts.example.com", retry=2) as client:
                user_info = client.get_user_info("UQpYas7ElzWGD5yCcEXtjw")
                print(user_info["username"])
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

        Raises:
            BadValue: an argument cannot be right.
        """
        address = parse_base_url(astakos_url)
        self._conversations = Conversations(
            address=address,
            retry=retry if isinstance(retry, Retry) else Retry(retry),
            timeout=_timeout(timeout),
            logger=logging.getLogger("astakosclient") if logger is None else logger,
        )
        self._own_transport: HttpTransport | None = None
        if transport is None:
            transport = self._own_transport = HttpTransport(
                address, pool_size=pool_size, bounded=use_pool, ssl_context=ssl_context
            )
        self._transport = transport

    def close(self) -> None:
        """Close the kept connections. Closing again does nothing; a later call opens a new connection."""
        if self._own_transport is not None:
            self._own_transport.close()

    def __enter__(self) -> Self:
        """The client itself, which is closed at the end of the ``with`` block."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the kept connections."""
        self.close()

    def __repr__(self) -> str:
        """Where the service is, and nothing secret."""
        return f"<AstakosClient of {self._conversations.address}>"

    def _run(self, call: Call[T]) -> T:
        conversation = self._conversations.hold(call)
        try:
            step = next(conversation)
            while True:
                if isinstance(step, Attempt):
                    try:
                        answer = self._transport.send(step.request, step.timeout)
                    except TROUBLE as trouble:
                        step = conversation.throw(trouble)
                    else:
                        step = conversation.send(answer)
                else:
                    time.sleep(step.seconds)
                    step = next(conversation)
        except StopIteration as end:
            result: T = end.value
            return result

    # Users

    def get_user_info(self, token: str | None, usage: bool = False) -> dict[str, Any]:
        """Who holds this token: uuid, username, email, name, groups, when the token expires, and more.

        Args:
            token: a user's token.
            usage: ask for the use of resources as well; current services ignore it.

        Raises:
            AstakosClientException: the call failed; `Unauthorized` if the token is not good.
        """
        return self._run(calls.get_user_info(token, usage))

    def get_usernames(self, token: str | None, uuids: Iterable[str] | None) -> dict[str, str]:
        """The user names of several users, by UUID; unknown UUIDs are left out.

        Args:
            token: a user's token.
            uuids: a list or tuple of UUIDs.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(calls.get_usernames(token, uuids, calls.USER_CATALOGS))

    def get_username(self, token: str | None, uuid: str) -> str:
        """The user name of one user.

        Args:
            token: a user's token.
            uuid: the user's UUID.

        Raises:
            NoUserName: there is no such user.
            BadValue: ``uuid`` is None.
            AstakosClientException: the call failed.

        Example:
            .. code-block:: python

                client.get_username(token, "b3de8eb0-3958-477e-als9-789af8dd352c")  # 'user@example.com'
        """
        return self._run(calls.get_username(token, uuid, calls.USER_CATALOGS))

    def service_get_usernames(self, token: str | None, uuids: Iterable[str] | None) -> dict[str, str]:
        """As `get_usernames`, with a service's token; None for ``uuids`` means all users."""
        return self._run(calls.get_usernames(token, uuids, calls.SERVICE_USER_CATALOGS))

    def service_get_username(self, token: str | None, uuid: str) -> str:
        """As `get_username`, with a service's token."""
        return self._run(calls.get_username(token, uuid, calls.SERVICE_USER_CATALOGS))

    def get_uuids(self, token: str | None, display_names: Iterable[str] | None) -> dict[str, str]:
        """The UUIDs of several users, by user name as given; unknown names are left out.

        Args:
            token: a user's token.
            display_names: a list or tuple of user names.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(calls.get_uuids(token, display_names, calls.USER_CATALOGS))

    def get_uuid(self, token: str | None, display_name: str) -> str:
        """The UUID of one user.

        Args:
            token: a user's token.
            display_name: the user's name.

        Raises:
            NoUUID: there is no such user.
            BadValue: ``display_name`` is None.
            AstakosClientException: the call failed.
        """
        return self._run(calls.get_uuid(token, display_name, calls.USER_CATALOGS))

    def service_get_uuids(
        self,
        token: str | None,
        uuids: Iterable[str] | _Absent | None = _ABSENT,
        *,
        display_names: Iterable[str] | _Absent | None = _ABSENT,
    ) -> dict[str, str]:
        """As `get_uuids`, with a service's token.

        The documented name of the argument is ``uuids``, though it takes user names; both names are good.
        """
        names = _either("service_get_uuids", uuids=uuids, display_names=display_names)
        return self._run(calls.get_uuids(token, names, calls.SERVICE_USER_CATALOGS))

    def service_get_uuid(
        self,
        token: str | None,
        uuid: str | _Absent = _ABSENT,
        *,
        display_name: str | _Absent = _ABSENT,
    ) -> str:
        """As `get_uuid`, with a service's token.

        The documented name of the argument is ``uuid``, though it takes a user name; both names are good.
        """
        name = _either("service_get_uuid", uuid=uuid, display_name=display_name)
        return self._run(calls.get_uuid(token, name, calls.SERVICE_USER_CATALOGS))

    # The service itself

    def get_services(self) -> list[dict[str, Any]]:
        """The registered services, for showing them to people; needs no token.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(calls.get_services())

    def get_resources(self) -> dict[str, Any]:
        """The resources that quotas can be about, by name; needs no token.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(calls.get_resources())

    def send_feedback(self, token: str | None, message: str, data: str) -> None:
        """Send a message to the operators of the service.

        Args:
            token: a user's token.
            message: what the user has to say.
            data: what else may help, such as the state of the program.

        Raises:
            BadValue: ``message`` or ``data`` is None.
            AstakosClientException: the call failed.
        """
        self._run(calls.send_feedback(token, message, data))

    def get_endpoints(self, token: str | None, uuid: str | None = None) -> dict[str, Any]:
        """Who holds this token, and the services they can use; `parse_endpoints` picks from the latter.

        Args:
            token: a user's token.
            uuid: the user's UUID, if the server is to check that it is this user's token.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(calls.get_endpoints(token, uuid))

    # Quotas

    def get_quotas(self, token: str | None) -> dict[str, Any]:
        """The user's own quotas: limit, usage and pending, by source and resource.

        Args:
            token: a user's token.

        Raises:
            AstakosClientException: the call failed.

        Example:
            .. code-block:: python

                client.get_quotas(token)  # {'system': {'cyclades.vm': {'limit': 4, 'usage': 1, …}}}
        """
        return self._run(calls.get_quotas(token))

    def service_get_quotas(
        self,
        token: str | None,
        user: str | Iterable[str] | None = None,
        *,
        project: str | Iterable[str] | None = None,
    ) -> dict[str, Any]:
        """All users' quotas on the resources of a service, by user, source and resource.

        Args:
            token: a service's token.
            user: only those of this user (a UUID), or of these users. No users at all, such as an empty
                list, is not taken as all: the server answers that with `NotFound`.
            project: only those from this project, or from these.

        Raises:
            NotFound: there are none of ``user``.
            AstakosClientException: the call failed.
        """
        return self._run(calls.service_get_quotas(token, user, project))

    def service_get_project_quotas(
        self, token: str | None, project: str | Iterable[str] | None = None
    ) -> dict[str, Any]:
        """All projects' quotas on the resources of a service, by project and resource.

        Args:
            token: a service's token.
            project: only those of this project, or of these.

        Raises:
            NotFound: there are none of ``project``.
            AstakosClientException: the call failed.
        """
        return self._run(calls.service_get_project_quotas(token, project))

    # Commissions

    def issue_commission(
        self,
        token: str | None,
        request: Mapping[str, Any],
        *,
        ttl: int | None = None,
        idempotency_key: str | None = None,
    ) -> int:
        """Ask for quantities before using them; all are granted, or none.

        It is never sent again when it may have reached the server. After a `ConnectionError` whose ``sent``
        is True, or an `InvalidResponse`, see `get_pending_commissions` for whether it was issued.

        Args:
            token: a service's token.
            request: the commission: ``provisions``, and ``name``, ``force`` and ``auto_accept`` if wanted.
            ttl: after so many seconds it is rejected by itself if it is still pending.
            idempotency_key: the same request with the same key gets the same serial, however often it comes.
                This and ``ttl`` are for the service of this project; others ignore them.

        Returns:
            The serial, with which to accept or reject the commission.

        Raises:
            QuotaLimit: a limit would be exceeded; its attributes have the figures.
            NotFound: there is no such holding.
            BadValue: the request cannot be written as JSON.
            AstakosClientException: the call failed.
        """
        return self._run(calls.issue_commission(token, request, ttl, idempotency_key))

    def issue_one_commission(
        self,
        token: str | None,
        holder: str,
        source: str,
        provisions: Mapping[str, int],
        name: str = "",
        force: bool = False,
        auto_accept: bool = False,
        *,
        ttl: int | None = None,
        idempotency_key: str | None = None,
    ) -> int:
        """Ask for quantities for one holder from one source; see `issue_commission`.

        Args:
            token: a service's token.
            holder: who is to have them.
            source: where they come from, such as ``system``.
            provisions: the quantity of each resource; negative to give back.
            name: a note that stays with the commission.
            force: grant it even beyond the limit.
            auto_accept: accept it at once, so that it is never pending.
            ttl: as for `issue_commission`.
            idempotency_key: as for `issue_commission`.

        Returns:
            The serial, with which to accept or reject the commission.

        Raises:
            QuotaLimit: a limit would be exceeded; its attributes have the figures.
            NotFound: there is no such holding.
            BadValue: ``holder``, ``source`` or ``provisions`` is None, or ``provisions`` is no mapping.
            AstakosClientException: the call failed.

        Example:
            .. code-block:: python

                serial = client.issue_one_commission(token, uuid, "system", {"cyclades.vm": 1})
                client.accept_commission(token, serial)
        """
        return self._run(
            calls.issue_one_commission(
                token, holder, source, provisions, name, force, auto_accept, ttl, idempotency_key
            )
        )

    def issue_commissions(
        self,
        token: str | None,
        requests: Iterable[Mapping[str, Any]],
        all_or_none: bool = False,
        *,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Ask for up to 1,000 commissions at once, each by itself or all or none.

        Only the service of this project knows this call.

        Args:
            token: a service's token.
            requests: the commissions, each as for `issue_commission`; each may have its own ``ttl``.
            all_or_none: issue none if one of them is refused.
            idempotency_key: as for `issue_commission`, for all of them.

        Returns:
            ``results``, for each request a dict with the ``status`` and ``body`` that a single call would
            have had, and ``done``, False if nothing was issued since one was refused.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(calls.issue_commissions(token, requests, all_or_none, idempotency_key))

    def get_pending_commissions(self, token: str | None) -> list[int]:
        """The serials of the service's commissions that are neither accepted nor rejected yet.

        Args:
            token: a service's token.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(calls.get_pending_commissions(token))

    def get_commission_info(self, token: str | None, serial: int) -> dict[str, Any]:
        """A pending commission: its serial, name, issue time and provisions.

        Args:
            token: a service's token.
            serial: what issuing it returned.

        Raises:
            NotFound: no such commission of this service is pending.
            BadValue: ``serial`` is None.
            AstakosClientException: the call failed.
        """
        return self._run(calls.get_commission_info(token, serial))

    def commission_action(self, token: str | None, serial: int, action: str) -> None:
        """Accept or reject a pending commission.

        It is repeated only if it provably was not carried out: a second time, the server would answer 404.

        Args:
            token: a service's token.
            serial: what issuing it returned.
            action: ``accept`` or ``reject``.

        Raises:
            NotFound: no such commission of this service is pending.
            BadValue: ``serial`` or ``action`` is None.
            AstakosClientException: the call failed.
        """
        self._run(calls.commission_action(token, serial, action))

    def accept_commission(
        self, token: str | None, serial: int, *, quantities: Iterable[Mapping[str, Any]] | None = None
    ) -> None:
        """Accept a pending commission; see `commission_action`.

        Args:
            token: a service's token.
            serial: what issuing it returned.
            quantities: what really came true, if it was less than was issued: provisions of the commission,
                each a dict with ``holder``, ``source``, ``resource`` and a ``quantity`` between 0 and the one
                issued; what is not named came true whole. For the service of this project; others accept all.
        """
        self._run(calls.commission_action(token, serial, "accept", quantities))

    def reject_commission(self, token: str | None, serial: int) -> None:
        """Reject a pending commission; see `commission_action`."""
        self.commission_action(token, serial, "reject")

    def resolve_commissions(
        self, token: str | None, accept_serials: Iterable[int], reject_serials: Iterable[int]
    ) -> dict[str, Any]:
        """Accept and reject many pending commissions at once, each by itself.

        Args:
            token: a service's token.
            accept_serials: a list or tuple of those to accept.
            reject_serials: a list or tuple of those to reject.

        Returns:
            ``accepted`` and ``rejected``, lists of serials, and ``failed``, pairs of a serial and a fault.

        Raises:
            BadValue: an argument is None.
            AstakosClientException: the call failed.
        """
        return self._run(calls.resolve_commissions(token, accept_serials, reject_serials))

    def get_commission_history(
        self,
        token: str | None,
        *,
        holder: str | None = None,
        source: str | None = None,
        resource: str | None = None,
        serial: int | None = None,
        since: str | None = None,
        until: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """What became of commissions, newest first: a service's own, or a user's own holdings.

        Only the service of this project knows this call.

        Args:
            token: a service's or a user's token.
            holder: only of this holder, such as ``user:<uuid>``.
            source: only from this source; an empty string stands for none.
            resource: only of this resource.
            serial: only of this commission.
            since: only what was resolved from then on, an ISO 8601 time with a zone.
            until: only what was resolved before then.
            outcome: ``ACCEPT``, ``REJECT`` or ``EXPIRED``.
            limit: how many entries at most, up to 1,000; 100 by default.
            cursor: where to go on: what ``next`` of the page before says.

        Returns:
            ``history``, a list of entries, and ``next``, None on the last page.

        Raises:
            AstakosClientException: the call failed.
        """
        filters = {
            "holder": holder,
            "source": source,
            "resource": resource,
            "serial": serial,
            "since": since,
            "until": until,
            "outcome": outcome,
            "limit": limit,
            "cursor": cursor,
        }
        return self._run(calls.get_commission_history(token, filters))

    def reconcile(
        self,
        token: str | None,
        usage: Iterable[Mapping[str, Any]],
        mend: bool = False,
        name: str | None = None,
    ) -> dict[str, Any]:
        """Hold the ledger against what is really in use, and correct it on request.

        Only the service of this project knows this call.

        Args:
            token: a service's token.
            usage: what is really in use: dicts with ``holder``, ``source``, ``resource`` and ``usage``.
            mend: correct the difference by an accepted commission.
            name: the name of that commission.

        Returns:
            ``holdings`` with the ``drift`` of each (what is counted over what is in use, without what is
            pending), ``missing`` holdings, the number ``drifting``, and the ``serial`` of the commission that
            corrected them, or None.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(calls.reconcile(token, usage, mend, name))


def _timeout(timeout: float | Timeout | None) -> Timeout:
    if timeout is None:
        return Timeout()
    return timeout if isinstance(timeout, Timeout) else Timeout(total=timeout)


def _either(function: str, **arguments: T | _Absent) -> T:
    """The one argument that is given, of two names for it."""
    values = [value for value in arguments.values() if not isinstance(value, _Absent)]
    if len(values) != 1:
        raise TypeError(f"{function}() takes exactly one of the arguments {' and '.join(arguments)}")
    return values[0]
