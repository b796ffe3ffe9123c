"""The documented client's calls, a method each, the token bound to the client, asynchronous.

Made by tools/generate_methods.py from methods/documented_methods.py; change it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient.async_commission import AsyncCommission
from astakosclient.calls import account, commissions
from astakosclient.core.absence import ABSENT, Absent, either
from astakosclient.core.asynchronous import Asynchronous

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from astakosclient.answer_types import (
        BulkResults,
        CommissionInfo,
        Endpoints,
        HistoryPage,
        Quotas,
        Reconciliation,
        Resolution,
        Resource,
        Service,
        ServiceProjectQuotas,
        ServiceQuotas,
        UserInfo,
    )
    from astakosclient.lookups.async_lookups import AsyncLookups


class AsyncBoundCalls(Asynchronous):
    """The calls of the API. The token is a user's own, or a service's for ``service_…`` and commissions."""

    _token: str | None

    # Users

    async def get_user_info(self, usage: bool = False) -> UserInfo:
        """Who holds this token: uuid, username, email, name, groups, when the token expires, and more.

        Args:
            usage: ask for the use of resources as well; current services ignore it.

        Raises:
            AstakosClientException: the call failed; `Unauthorized` if the token is not good.
        """
        return await self._run(account.get_user_info(self._token, usage))

    async def get_usernames(self, uuids: Iterable[str] | None) -> dict[str, str]:
        """The user names of several users, by UUID; unknown UUIDs are left out.

        Args:
            uuids: a list or tuple of UUIDs.

        Raises:
            AstakosClientException: the call failed.
        """
        return await self._run(account.get_usernames(self._token, uuids, account.USER_CATALOGS))

    async def get_username(self, uuid: str) -> str:
        """The user name of one user.

        Args:
            uuid: the user's UUID.

        Raises:
            NoUserName: there is no such user.
            BadValue: ``uuid`` is None.
            AstakosClientException: the call failed.

        Example:
            .. code-block:: python

                await client.get_username("b3de8eb0-3958-477e-als9-789af8dd352c")  # 'user@example.com'
        """
        return await self._run(account.get_username(self._token, uuid, account.USER_CATALOGS))

    async def service_get_usernames(self, uuids: Iterable[str] | None) -> dict[str, str]:
        """As `get_usernames`, with a service's token; None for ``uuids`` means all users."""
        return await self._run(account.get_usernames(self._token, uuids, account.SERVICE_USER_CATALOGS))

    async def service_get_username(self, uuid: str) -> str:
        """As `get_username`, with a service's token."""
        return await self._run(account.get_username(self._token, uuid, account.SERVICE_USER_CATALOGS))

    async def get_uuids(self, display_names: Iterable[str] | None) -> dict[str, str]:
        """The UUIDs of several users, by user name as given; unknown names are left out.

        Args:
            display_names: a list or tuple of user names.

        Raises:
            AstakosClientException: the call failed.
        """
        return await self._run(account.get_uuids(self._token, display_names, account.USER_CATALOGS))

    async def get_uuid(self, display_name: str) -> str:
        """The UUID of one user.

        Args:
            display_name: the user's name.

        Raises:
            NoUUID: there is no such user.
            BadValue: ``display_name`` is None.
            AstakosClientException: the call failed.
        """
        return await self._run(account.get_uuid(self._token, display_name, account.USER_CATALOGS))

    async def service_get_uuids(
        self,
        uuids: Iterable[str] | Absent | None = ABSENT,
        *,
        display_names: Iterable[str] | Absent | None = ABSENT,
    ) -> dict[str, str]:
        """As `get_uuids`, with a service's token.

        The documented name of the argument is ``uuids``, though it takes user names; both names are good.
        """
        names = either("service_get_uuids", uuids=uuids, display_names=display_names)
        return await self._run(account.get_uuids(self._token, names, account.SERVICE_USER_CATALOGS))

    async def service_get_uuid(
        self,
        uuid: str | Absent = ABSENT,
        *,
        display_name: str | Absent = ABSENT,
    ) -> str:
        """As `get_uuid`, with a service's token.

        The documented name of the argument is ``uuid``, though it takes a user name; both names are good.
        """
        name = either("service_get_uuid", uuid=uuid, display_name=display_name)
        return await self._run(account.get_uuid(self._token, name, account.SERVICE_USER_CATALOGS))

    def lookups(
        self,
        *,
        as_service: bool = False,
        size: int = 10_000,
        age: float = 300.0,
    ) -> AsyncLookups:
        """Look-ups of names and UUIDs that are remembered for a while, and asked for together.

        Keep what this returns: it is what remembers. Several single look-ups at once cost one request.

        Args:
            as_service: ask as a service.
            size: how many names, and how many UUIDs, are remembered at most.
            age: for how many seconds.

        Raises:
            BadValue: a number cannot be right.

        Example:
            .. code-block:: python

                users = client.lookups(as_service=True)
                await users.get_username(uuid)
        """
        # It brings in threading, which is slow to import.
        from astakosclient.lookups import async_lookups  # noqa: PLC0415

        return async_lookups.AsyncLookups(self, self._token, as_service=as_service, size=size, age=age)

    # The service itself

    async def get_services(self) -> list[Service]:
        """The registered services, for showing them to people; needs no token.

        Raises:
            AstakosClientException: the call failed.
        """
        return await self._run(account.get_services())

    async def get_resources(self) -> dict[str, Resource]:
        """The resources that quotas can be about, by name; needs no token.

        Raises:
            AstakosClientException: the call failed.
        """
        return await self._run(account.get_resources())

    async def send_feedback(self, message: str, data: str) -> None:
        """Send a message to the operators of the service.

        Args:
            message: what the user has to say.
            data: what else may help, such as the state of the program.

        Raises:
            BadValue: ``message`` or ``data`` is None.
            AstakosClientException: the call failed.
        """
        await self._run(account.send_feedback(self._token, message, data))

    async def get_endpoints(self, uuid: str | None = None) -> Endpoints:
        """Who holds this token, and the services they can use; `parse_endpoints` picks from the latter.

        Args:
            uuid: the user's UUID, if the server is to check that it is this user's token.

        Raises:
            AstakosClientException: the call failed.
        """
        return await self._run(account.get_endpoints(self._token, uuid))

    # Quotas

    async def get_quotas(self) -> Quotas:
        """The user's own quotas: limit, usage and pending, by source and resource.

        Raises:
            AstakosClientException: the call failed.

        Example:
            .. code-block:: python

                await client.get_quotas()  # {'system': {'cyclades.vm': {'limit': 4, 'usage': 1, …}}}
        """
        return await self._run(account.get_quotas(self._token))

    async def service_get_quotas(
        self,
        user: str | Iterable[str] | None = None,
        *,
        project: str | Iterable[str] | None = None,
    ) -> ServiceQuotas:
        """All users' quotas on the resources of a service, by user, source and resource.

        Args:
            user: only those of this user (a UUID), or of these users. No users at all, such as an empty
                list, is not taken as all: the server answers that with `NotFound`.
            project: only those from this project, or from these.

        Raises:
            NotFound: there are none of ``user``.
            AstakosClientException: the call failed.
        """
        return await self._run(account.service_get_quotas(self._token, user, project))

    async def service_get_project_quotas(
        self, project: str | Iterable[str] | None = None
    ) -> ServiceProjectQuotas:
        """All projects' quotas on the resources of a service, by project and resource.

        Args:
            project: only those of this project, or of these.

        Raises:
            NotFound: there are none of ``project``.
            AstakosClientException: the call failed.
        """
        return await self._run(account.service_get_project_quotas(self._token, project))

    # Commissions

    async def issue_commission(
        self,
        request: Mapping[str, Any],
        *,
        ttl: int | None = None,
        idempotency_key: str | None = None,
    ) -> int:
        """Ask for quantities before using them; all are granted, or none.

        It carries an idempotency key, and is sent again after trouble (see `Retry`) if the server is known to
        honour such keys, or provably has not got it. Else, after a `ConnectionError` whose ``sent`` is True,
        or an `InvalidResponse`, see `get_pending_commissions` for whether it was issued.

        Args:
            request: the commission: ``provisions``, and ``name``, ``force`` and ``auto_accept`` if wanted.
            ttl: after so many seconds it is rejected by itself if it is still pending.
            idempotency_key: the same request with the same key gets the same serial, however often it comes,
                also after a restart of the caller; by default each call makes its own. This and ``ttl`` are
                for the service of this project; others ignore them.

        Returns:
            The serial, with which to accept or reject the commission.

        Raises:
            QuotaLimit: a limit would be exceeded; its attributes have the figures.
            NotFound: there is no such holding.
            BadValue: the request cannot be written as JSON.
            AstakosClientException: the call failed.
        """
        return await self._run(commissions.issue_commission(self._token, request, ttl, idempotency_key))

    async def issue_one_commission(
        self,
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

                serial = await client.issue_one_commission(uuid, "system", {"cyclades.vm": 1})
                await client.accept_commission(serial)
        """
        return await self._run(
            commissions.issue_one_commission(
                self._token, holder, source, provisions, name, force, auto_accept, ttl, idempotency_key
            )
        )

    def commission(
        self,
        holder: str,
        source: str,
        provisions: Mapping[str, int],
        name: str = "",
        force: bool = False,
        *,
        ttl: int | None = None,
    ) -> AsyncCommission:
        """A commission for the time of an ``async with`` block: issued on entry, accepted at its end.

        If the block raises anything, the commission is rejected, and what was raised goes on. The block may
        settle for less than was issued.

        Args:
            holder: who is to have the quantities.
            source: where they come from, such as ``system``.
            provisions: the quantity of each resource; negative to give back.
            name: a note that stays with the commission.
            force: grant it even beyond the limit.
            ttl: after so many seconds it is rejected by itself if it is still pending, so that a caller that
                has died holds nothing; for the service of this project, others ignore it.

        Example:
            .. code-block:: python

                async with client.commission(uuid, "system", {"llm.tokens": 4000}, ttl=600) as held:
                    answer = await ask_the_model(prompt, most_tokens=4000)
                    held.settle({"llm.tokens": answer.tokens_used})
        """
        return AsyncCommission(self, self._token, holder, source, provisions, name=name, force=force, ttl=ttl)

    async def issue_commissions(
        self,
        requests: Iterable[Mapping[str, Any]],
        all_or_none: bool = False,
        *,
        idempotency_key: str | None = None,
    ) -> BulkResults:
        """Ask for up to 1,000 commissions at once, each by itself or all or none.

        Only the service of this project knows this call.

        Args:
            requests: the commissions, each as for `issue_commission`; each may have its own ``ttl``.
            all_or_none: issue none if one of them is refused.
            idempotency_key: as for `issue_commission`, for all of them.

        Returns:
            ``results``, for each request a dict with the ``status`` and ``body`` that a single call would
            have had, and ``done``, False if nothing was issued since one was refused.

        Raises:
            AstakosClientException: the call failed.
        """
        return await self._run(
            commissions.issue_commissions(self._token, requests, all_or_none, idempotency_key)
        )

    async def get_pending_commissions(self) -> list[int]:
        """The serials of the service's commissions that are neither accepted nor rejected yet.

        Raises:
            AstakosClientException: the call failed.
        """
        return await self._run(commissions.get_pending_commissions(self._token))

    async def get_commission_info(self, serial: int) -> CommissionInfo:
        """A pending commission: its serial, name, issue time and provisions.

        Args:
            serial: what issuing it returned.

        Raises:
            NotFound: no such commission of this service is pending.
            BadValue: ``serial`` is None.
            AstakosClientException: the call failed.
        """
        return await self._run(commissions.get_commission_info(self._token, serial))

    async def commission_action(self, serial: int, action: str) -> None:
        """Accept or reject a pending commission.

        After trouble (see `Retry`) it is repeated if the server keeps a history, which tells whether it had
        come true, or if it provably has not got it: any other server answers 404 the second time.

        Args:
            serial: what issuing it returned.
            action: ``accept`` or ``reject``.

        Raises:
            NotFound: no such commission of this service is pending.
            BadValue: ``serial`` or ``action`` is None.
            AstakosClientException: the call failed.
        """
        await self._run(commissions.commission_action(self._token, serial, action))

    async def accept_commission(
        self, serial: int, *, quantities: Iterable[Mapping[str, Any]] | None = None
    ) -> None:
        """Accept a pending commission; see `commission_action`.

        Args:
            serial: what issuing it returned.
            quantities: what really came true, if it was less than was issued: provisions of the commission,
                each a dict with ``holder``, ``source``, ``resource`` and a ``quantity`` between 0 and the one
                issued; what is not named came true whole. For the service of this project; others accept all.
        """
        await self._run(commissions.commission_action(self._token, serial, "accept", quantities))

    async def reject_commission(self, serial: int) -> None:
        """Reject a pending commission; see `commission_action`."""
        await self._run(commissions.commission_action(self._token, serial, "reject"))

    async def resolve_commissions(
        self, accept_serials: Iterable[int], reject_serials: Iterable[int]
    ) -> Resolution:
        """Accept and reject many pending commissions at once, each by itself.

        Args:
            accept_serials: a list or tuple of those to accept.
            reject_serials: a list or tuple of those to reject.

        Returns:
            ``accepted`` and ``rejected``, lists of serials, and ``failed``, pairs of a serial and a fault.

        Raises:
            BadValue: an argument is None.
            AstakosClientException: the call failed.
        """
        return await self._run(commissions.resolve_commissions(self._token, accept_serials, reject_serials))

    async def get_commission_history(
        self,
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
    ) -> HistoryPage:
        """What became of commissions, newest first: a service's own, or a user's own holdings.

        Only the service of this project knows this call.

        Args:
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
        return await self._run(commissions.get_commission_history(self._token, filters))

    async def reconcile(
        self,
        usage: Iterable[Mapping[str, Any]],
        mend: bool = False,
        name: str | None = None,
    ) -> Reconciliation:
        """Hold the ledger against what is really in use, and correct it on request.

        Only the service of this project knows this call.

        Args:
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
        return await self._run(commissions.reconcile(self._token, usage, mend, name))
