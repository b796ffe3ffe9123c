"""The methods of the synchronous client: one per API call, with the token as the first argument.

``tools/generate_methods.py`` generates the asynchronous and the token-bound variants from this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient.calls import account, commissions, keys, standard_tokens
from astakosclient.commission import Commission
from astakosclient.core.absence import ABSENT, Absent, either
from astakosclient.core.request_key import key_of_request
from astakosclient.methods.project_methods import ProjectCalls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from astakosclient.answer_types import (
        BulkResults,
        CommissionInfo,
        Endpoints,
        Granted,
        HistoryPage,
        Introspection,
        Key,
        KeyQuotas,
        NewKey,
        Overage,
        OwnGrant,
        Period,
        Provision,
        Quotas,
        RecentRefusal,
        Reconciliation,
        Resolution,
        Resource,
        Service,
        ServiceProjectQuotas,
        ServiceQuotas,
        UserInfo,
    )
    from astakosclient.lookups.lookups import Lookups


class Calls(ProjectCalls):
    """The API calls. A token is a user's own, or a service's for ``service_…`` and commissions."""

    # Users

    def get_user_info(
        self, token: str | None, usage: bool = False, *, service: str | None = None
    ) -> UserInfo:
        """Returns the holder of a token.

        Args:
            token: a user's token.
            usage: also request the usage of resources; current servers ignore it.
            service: the name of the service that asks, for keys that are limited to services.

        Returns:
            A dict with ``uuid``, ``username``, ``name``, ``email`` (list), ``groups`` (list of names),
            ``auth_token_expires`` (milliseconds since the epoch, or None) and other keys; see `UserInfo`.

        Raises:
            Unauthorized: the token is unknown or expired.
            AstakosClientException: the call failed.
        """
        return self._run(account.get_user_info(token, usage, service))

    def get_usernames(self, token: str | None, uuids: Iterable[str] | None) -> dict[str, str]:
        """Returns the user names for several UUIDs, as a dict by UUID. Omits unknown UUIDs.

        Args:
            token: a user's token.
            uuids: a list or tuple of UUIDs. More than 5,000 are split into several requests.

        Raises:
            BadValue: ``uuids`` cannot be encoded as JSON.
            AstakosClientException: the call failed.
        """
        return self._run(account.get_usernames(token, uuids, account.USER_CATALOGS))

    def get_username(self, token: str | None, uuid: str) -> str:
        """Returns the user name for one UUID.

        Args:
            token: a user's token.
            uuid: the user's UUID.

        Raises:
            NoUserName: no user has this UUID.
            BadValue: ``uuid`` is not a string.
            AstakosClientException: the call failed.

        Example:
            .. code-block:: python

                client.get_username(token, "b3de8eb0-3958-477e-als9-789af8dd352c")  # 'user@example.com'
        """
        return self._run(account.get_username(token, uuid, account.USER_CATALOGS))

    def service_get_usernames(self, token: str | None, uuids: Iterable[str] | None) -> dict[str, str]:
        """Does the same as `get_usernames`, with a service's token; ``uuids=None`` returns all users."""
        return self._run(account.get_usernames(token, uuids, account.SERVICE_USER_CATALOGS))

    def service_get_username(self, token: str | None, uuid: str) -> str:
        """Does the same as `get_username`, with a service's token."""
        return self._run(account.get_username(token, uuid, account.SERVICE_USER_CATALOGS))

    def get_uuids(self, token: str | None, display_names: Iterable[str] | None) -> dict[str, str]:
        """Returns the UUIDs for several user names, as a dict by name as given. Omits unknown names.

        Args:
            token: a user's token.
            display_names: a list or tuple of user names; case-insensitive. More than 5,000 are split into
                several requests.

        Raises:
            BadValue: ``display_names`` cannot be encoded as JSON.
            AstakosClientException: the call failed.
        """
        return self._run(account.get_uuids(token, display_names, account.USER_CATALOGS))

    def get_uuid(self, token: str | None, display_name: str) -> str:
        """Returns the UUID for one user name.

        Args:
            token: a user's token.
            display_name: the user name; case-insensitive.

        Raises:
            NoUUID: no user has this name.
            BadValue: ``display_name`` is not a string.
            AstakosClientException: the call failed.
        """
        return self._run(account.get_uuid(token, display_name, account.USER_CATALOGS))

    def service_get_uuids(
        self,
        token: str | None,
        uuids: Iterable[str] | Absent | None = ABSENT,
        *,
        display_names: Iterable[str] | Absent | None = ABSENT,
    ) -> dict[str, str]:
        """Does the same as `get_uuids`, with a service's token.

        The argument takes user names. Its documented name is ``uuids``; ``display_names`` also works.

        Raises:
            TypeError: both names of the argument are given, or neither.
        """
        names = either("service_get_uuids", uuids=uuids, display_names=display_names)
        return self._run(account.get_uuids(token, names, account.SERVICE_USER_CATALOGS))

    def service_get_uuid(
        self,
        token: str | None,
        uuid: str | Absent = ABSENT,
        *,
        display_name: str | Absent = ABSENT,
    ) -> str:
        """Does the same as `get_uuid`, with a service's token.

        The argument takes a user name. Its documented name is ``uuid``; ``display_name`` also works.

        Raises:
            TypeError: both names of the argument are given, or neither.
        """
        name = either("service_get_uuid", uuid=uuid, display_name=display_name)
        return self._run(account.get_uuid(token, name, account.SERVICE_USER_CATALOGS))

    def lookups(
        self,
        token: str | None,
        *,
        as_service: bool = False,
        size: int = 10_000,
        age: float = 300.0,
    ) -> Lookups:
        """Returns an object that looks up user names and UUIDs, caches them and combines requests.

        Keep the object: it holds the cache. Concurrent single lookups share one request.

        Args:
            token: a user's token, or a service's token with ``as_service``.
            as_service: use the calls for services.
            size: maximum number of cached names, and of cached UUIDs.
            age: maximum age of cached entries, in seconds.

        Raises:
            BadValue: ``size`` or ``age`` is not a positive number.

        Example:
            .. code-block:: python

                users = client.lookups(token, as_service=True)
                users.get_username(uuid)
        """
        from astakosclient.lookups import lookups  # noqa: PLC0415 - loads threading, slow to import

        return lookups.Lookups(self, token, as_service=as_service, size=size, age=age)

    # Services and resources

    def get_services(self) -> list[Service]:
        """Lists the registered services, for menus. Needs no token.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(account.get_services())

    def get_resources(self) -> dict[str, Resource]:
        """Returns the resources that quotas can limit, as a dict by name. Needs no token.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(account.get_resources())

    def send_feedback(
        self,
        token: str | None,
        message: str,
        data: str | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> None:
        """Sends feedback to the operators of the service.

        Args:
            token: a user's token.
            message: the user's message; must not be empty.
            data: additional information, for example a log or a dict, which is sent as its ``str()``; may be
                empty.
            idempotency_key: see `create_project`.

        Raises:
            BadValue: ``message`` or ``data`` is None, or the idempotency key is invalid.
            BadRequest: ``message`` is empty.
            AstakosClientException: the call failed.
        """
        self._run(account.send_feedback(token, message, data, idempotency_key))

    def get_endpoints(
        self, token: str | None, uuid: str | None = None, *, service: str | None = None
    ) -> Endpoints:
        """Returns the holder of a token, and the service catalog, which `parse_endpoints` searches.

        Args:
            token: a user's token.
            uuid: a user's UUID; the server then checks that the token belongs to this user.
            service: the name of the service that asks, for keys that are limited to services.

        Returns:
            A dict with the key ``access``, which has ``token``, ``user`` and ``serviceCatalog``.

        Raises:
            Unauthorized: the token is unknown or expired.
            BadRequest: the token belongs to another user than ``uuid``.
            AstakosClientException: the call failed.
        """
        return self._run(account.get_endpoints(token, uuid, service))

    def introspect_token(
        self, token: str | None, subject: str, *, address: str | None = None
    ) -> Introspection:
        """Tells a service whether another token is valid, and whose it is. Requires this project's server.

        Args:
            token: the service's token.
            subject: the token or key of a user, or an OAuth2 access token.
            address: the IP address that it came from, for keys that are limited to networks.

        Returns:
            A dict with ``active`` and, if that is true, ``sub`` (the user's UUID), ``username``, ``name``,
            ``roles``, ``projects``, ``exp``, ``key`` and other keys; see `Introspection`.
        """
        return self._run(standard_tokens.introspect_token(token, subject, address))

    def revoke_token(self, token: str | None, subject: str) -> None:
        """Ends a key or a token of a user before it expires. Requires this project's server.

        What is not valid any more has ended already: that is no error, either.

        Args:
            token: a token of the user; a key can end only itself.
            subject: the text of a key, or a temporary token, as a login with a password returns it.

        Raises:
            BadRequest: ``subject`` belongs to somebody else, or is the user's own token or that of a session.
            Forbidden: ``token`` is a key, and ``subject`` is another one.
            AstakosClientException: the call failed.
        """
        self._run(standard_tokens.revoke_token(token, subject))

    # Keys

    def create_key(
        self,
        token: str | None,
        name: str,
        *,
        expires: str | None = None,
        services: Iterable[str] | None = None,
        calls: Iterable[str] | None = None,
        networks: Iterable[str] | None = None,
        project: str | None = None,
        limits: Mapping[str, int | None] | None = None,
        idempotency_key: str | None = None,
    ) -> NewKey:
        """Makes a key, with which programs act as the user. Requires this project's server.

        Args:
            token: a user's token, not a key.
            name: what the key is for.
            expires: when it ends, in ISO 8601 with a time zone; the default is never.
            services: the names of the services that accept it; the default is all.
            calls: areas (``quotas``) or calls (``quotas.periods``) of the API that it may make; by default
                all, or none if ``services`` are given.
            networks: networks (``192.0.2.0/24``) or addresses that it may be used from; the default is all.
            project: the UUID of the only project that it may draw from; the default is all of the user's.
            limits: how much may be charged with it, by resource or meter; None for one that is only counted.
            idempotency_key: 1 to 255 printable ASCII characters; the default is a random key per call. The
                server makes one key of the user for each, however often the call is repeated.

        Returns:
            The key (see `Key`). Its text, ``key``, cannot be retrieved later.

        Raises:
            Conflict: the user cannot have more keys.
            SecretLost: the key was made, but the answer that had its text was lost; rotate it.
            AstakosClientException: the call failed.
        """
        return self._run(
            keys.create_key(token, name, expires, services, calls, networks, project, limits, idempotency_key)
        )

    def get_keys(self, token: str | None) -> list[Key]:
        """Lists the user's keys, without their secrets. Requires this project's server."""
        return self._run(keys.get_keys(token))

    def get_key(self, token: str | None, prefix: str) -> Key:
        """Returns one of the user's keys, by its prefix. Requires this project's server."""
        return self._run(keys.get_key(token, prefix))

    def change_key(
        self,
        token: str | None,
        prefix: str,
        *,
        name: str | Absent = ABSENT,
        expires: str | Absent | None = ABSENT,
        services: Iterable[str] | Absent | None = ABSENT,
        calls: Iterable[str] | Absent | None = ABSENT,
        networks: Iterable[str] | Absent | None = ABSENT,
        limits: Mapping[str, int | None] | Absent | None = ABSENT,
    ) -> Key:
        """Changes a key. What is not passed stays; None removes a limit. Requires this project's server.

        Args:
            token: a user's token, not a key.
            prefix: what the key begins with.
            name: what the key is for.
            expires: when it ends; None for never.
            services: as for `create_key`.
            calls: as for `create_key`.
            networks: as for `create_key`.
            limits: those that change, by resource; None in place of one removes it, and None all of them.
        """
        return self._run(keys.change_key(token, prefix, name, expires, services, calls, networks, limits))

    def get_key_quotas(self, token: str | None, prefix: str) -> KeyQuotas:
        """Returns what one of the user's keys may use, and uses, by resource. Requires this project's server.

        Args:
            token: a user's token, or a key.
            prefix: what the key begins with.

        Raises:
            NotFound: the user has no such key.
            AstakosClientException: the call failed.
        """
        return self._run(keys.get_key_quotas(token, prefix))

    def rotate_key(
        self,
        token: str | None,
        prefix: str,
        overlap_seconds: int = 86400,
        *,
        idempotency_key: str | None = None,
    ) -> NewKey:
        """Gives a key a new secret; its prefix and limits stay. Requires this project's server.

        Args:
            token: a user's token, not a key.
            prefix: what the key begins with.
            overlap_seconds: for how long the present key is still valid; at most 30 days.
            idempotency_key: see `create_key`.

        Returns:
            The key (see `Key`). Its new text, ``key``, cannot be retrieved later.

        Raises:
            NotFound: the user has no such key.
            SecretLost: the key was rotated, but the answer that had its new text was lost; rotate it again.
            AstakosClientException: the call failed.
        """
        return self._run(keys.rotate_key(token, prefix, overlap_seconds, idempotency_key))

    def revoke_key(self, token: str | None, prefix: str) -> None:
        """Revokes a key: it is valid no longer. Requires this project's server."""
        self._run(keys.revoke_key(token, prefix))

    # Quotas

    def get_quotas(self, token: str | None) -> Quotas:
        """Returns the user's own quotas, as a dict by source and resource.

        Args:
            token: a user's token.

        Returns:
            A dict of dicts; see `Quotas`. The sources are project UUIDs; the user's own UUID is their own
            project. Servers of 0.14 have one source, ``system``.

        Raises:
            Unauthorized: the token is unknown or expired.
            AstakosClientException: the call failed.

        Example:
            .. code-block:: python

                client.get_quotas(token)  # {'b3de8eb0-…': {'cyclades.vm': {'limit': 4, 'usage': 1, …}}}
        """
        return self._run(account.get_quotas(token))

    def get_periods(
        self,
        token: str | None,
        resource: str,
        *,
        key: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> list[Period]:
        """Lists what the user, or one of their keys, has used of a budget in each period, the newest first.

        Requires this project's server.

        Args:
            token: a user's token.
            resource: the meter, for example ``llm.tokens/month``.
            key: the prefix of a key of the user, to list its own periods, of all projects together.
            before: only periods that began before this time: the last ``start`` of the page before.
            limit: how many at most; the default is 100.

        Raises:
            BadValue: ``resource`` is None.
            AstakosClientException: the call failed.
        """
        return self._run(account.get_periods(token, resource, key, before, limit))

    def get_refusals(self, token: str | None, *, limit: int | None = None) -> list[RecentRefusal]:
        """Lists what was refused to the user lately for want of room, the newest first.

        Only what the service has refused since it started, and not all of it. Requires this project's server.

        Args:
            token: a user's token.
            limit: how many at most; the default is 100.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(account.get_refusals(token, limit))

    def service_get_refusals(
        self, token: str | None, user: str | Iterable[str] | None = None, *, limit: int | None = None
    ) -> list[RecentRefusal]:
        """Lists what was refused lately of the service's resources, the newest first.

        Only what Astakos has refused since it started, and not all of it. Requires this project's server.

        Args:
            token: a service's token.
            user: a UUID or several; the default is all users.
            limit: how many at most; the default is 100.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(account.service_get_refusals(token, user, limit))

    def get_grants(
        self, token: str | None, *, before: int | None = None, limit: int | None = None
    ) -> list[OwnGrant]:
        """Lists the user's grants, whatever has become of them, the newest first.

        Requires this project's server.

        Args:
            token: a user's token.
            before: only grants that were made before this one: the last ``id`` of the page before.
            limit: how many at most; the default is 100.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._run(account.get_grants(token, before, limit))

    def service_get_quotas(
        self,
        token: str | None,
        user: str | Iterable[str] | None = None,
        *,
        project: str | Iterable[str] | None = None,
    ) -> ServiceQuotas:
        """Returns users' quotas for the service's resources, as a dict by user, source and resource.

        Args:
            token: a service's token.
            user: a UUID or several; the default is all users. An empty list matches no user (`NotFound`).
            project: a project UUID or several; the default is all projects.

        Raises:
            NotFound: ``user`` is given, and no quota matches.
            AstakosClientException: the call failed.
        """
        return self._run(account.service_get_quotas(token, user, project))

    def service_get_project_quotas(
        self, token: str | None, project: str | Iterable[str] | None = None
    ) -> ServiceProjectQuotas:
        """Returns projects' quotas for the service's resources, as a dict by project and resource.

        Args:
            token: a service's token.
            project: a project UUID or several; the default is all projects.

        Raises:
            NotFound: ``project`` is given, and no quota matches.
            AstakosClientException: the call failed.
        """
        return self._run(account.service_get_project_quotas(token, project))

    # Commissions

    def issue_commission(
        self,
        token: str | None,
        request: Mapping[str, Any],
        *,
        ttl: int | None = None,
        idempotency_key: str | None = None,
    ) -> int:
        """Issues a commission and returns its serial. The server grants all provisions or none.

        The quantities count against the limits until you accept or reject the commission.

        With retries (see `Retry`), the call still takes effect once: the client sends an idempotency key, and
        after a failure with an unknown outcome it retries only if the server supports such keys. If the call
        raises a `ConnectionError` with ``sent=True`` or an `InvalidResponse`, the commission may exist; look
        for it with `get_pending_commissions`.

        Args:
            token: a service's token.
            request: a dict with these keys:

                * ``provisions`` (list, required): dicts with ``holder`` (str), ``source`` (str or None),
                  ``resource`` (str) and ``quantity`` (int; negative to release). Charge both levels: holder
                  ``user:<uuid>`` from source ``project:<uuid>``, and holder ``project:<uuid>`` from None.
                  This project's server also accepts the 0.14 form, which charges both: a bare user UUID
                  from ``system`` (the user's own project) or from a bare project UUID.
                * ``name`` (str, default ``""``): a note.
                * ``force`` (bool, default False): grant quantities beyond the limits.
                * ``auto_accept`` (bool, default False): accept the commission immediately.
            ttl: seconds until the server rejects the commission if it is still pending, from 1 to 2,592,000
                (30 days). Requires this project's server; others ignore it.
            idempotency_key: 1 to 255 printable ASCII characters; the default is a random key per call. The
                server issues a request once per key and returns the same serial each time, even after a
                restart of the caller. Requires this project's server; others ignore it.

        Raises:
            QuotaLimit: it would exceed a limit, or release more than is in use; see its attributes.
            NotFound: a holding does not exist.
            BadRequest: the server rejects the request as malformed.
            BadValue: the request cannot be encoded as JSON or has ``dry_run``, which is for
                `check_commission`; or the idempotency key is invalid.
            AstakosClientException: the call failed; with status 422, the key belongs to another request.

        Example:
            .. code-block:: python

                boot = {"resource": "cyclades.vm", "quantity": 1}
                user_level = {"holder": f"user:{uuid}", "source": f"project:{project}", **boot}
                project_level = {"holder": f"project:{project}", "source": None, **boot}
                request = {"name": "boot vm 7", "provisions": [user_level, project_level]}
                serial = client.issue_commission(token, request)
        """
        return self._run(commissions.issue_commission(token, request, ttl, idempotency_key))

    def issue_at_most(
        self,
        token: str | None,
        request: Mapping[str, Any],
        *,
        ttl: int | None = None,
        idempotency_key: str | None = None,
    ) -> Granted:
        """Issues as much of each resource as there is room for, and says how much that is.

        Requires a server with ``at-most`` in its header ``Astakos-Supports``; others issue all or nothing.

        To ask without issuing, use `check_commission` with ``at_most``.

        Args:
            token: a service's token.
            request: see `issue_commission`.
            ttl: see `issue_commission`.
            idempotency_key: see `issue_commission`; a repetition is granted the same.

        Returns:
            A dict with ``serial`` and ``granted``, the provisions with the quantities that were issued.

        Raises:
            QuotaLimit: there is room for nothing.
            NotFound: a holding does not exist.
            BadValue: an argument is invalid, or the request has ``dry_run``.
            AstakosClientException: the call failed.
        """
        return self._run(commissions.issue_at_most(token, request, ttl, idempotency_key))

    def check_commission(
        self, token: str | None, request: Mapping[str, Any], *, at_most: bool = False
    ) -> list[Provision] | None:
        """Asks whether a commission would be issued, and issues nothing; raises what `issue_commission` does.

        Use it only with a server that has ``dry-run`` in its header ``Astakos-Supports``: others issue.

        Args:
            token: a service's token.
            request: see `issue_commission`.
            at_most: ask how much of each resource there is room for, up to the quantities of the request.

        Returns:
            With ``at_most``, the quantities that `issue_at_most` would grant now; otherwise None.

        Raises:
            QuotaLimit: it would be refused; with ``at_most``, because there is room for nothing.
        """
        return self._run(commissions.check_commission(token, request, at_most))

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
        key: str | None = None,
    ) -> int:
        """Issues a commission for one holder and source, and returns its serial; see `issue_commission`.

        Args:
            token: a service's token.
            holder: whom to charge, for example a user's UUID.
            source: ``system`` (the user's own project) or a project's UUID.
            provisions: quantity by resource; negative to release.
            name: a note.
            force: grant quantities beyond the limits.
            auto_accept: accept the commission immediately.
            ttl: see `issue_commission`.
            idempotency_key: see `issue_commission`.
            key: the prefix of the API key with which the user has called; its limits count as well.

        Raises:
            QuotaLimit: it would exceed a limit, or release more than is in use; see its attributes.
            NotFound: a holding does not exist.
            Forbidden: the user has no such key, or it has expired.
            BadValue: ``holder``, ``source`` or ``provisions`` is None, ``provisions`` is not a mapping, or
                the idempotency key is invalid.
            AstakosClientException: the call failed.

        Example:
            .. code-block:: python

                serial = client.issue_one_commission(token, uuid, "system", {"cyclades.vm": 1})
                client.accept_commission(token, serial)
        """
        return self._run(
            commissions.issue_one_commission(
                token, holder, source, provisions, name, force, auto_accept, ttl, idempotency_key, key
            )
        )

    def commission(
        self,
        token: str | None,
        holder: str,
        source: str,
        provisions: Mapping[str, int],
        name: str = "",
        force: bool = False,
        *,
        ttl: int | None = None,
        key: str | Absent | None = ABSENT,
    ) -> Commission:
        """Returns a commission for a ``with`` block: issued on entry, accepted on success.

        If the block raises an exception, the client rejects the commission and the exception propagates. To
        accept less than was issued, call its method ``settle`` in the block.

        Args:
            token: a service's token.
            holder: whom to charge, for example a user's UUID.
            source: ``system`` (the user's own project) or a project's UUID.
            provisions: quantity by resource; negative to release.
            name: a note.
            force: grant quantities beyond the limits.
            ttl: see `issue_commission`. Set it so that a crashed caller does not hold quota forever.
            key: the prefix of the API key with which the user has called; its limits count as well. By
                default that of the request that the middleware has let through, if ``holder`` is its user;
                None for none.

        Raises:
            QuotaLimit: on entry, it would exceed a limit, or release more than is in use.
            Forbidden: on entry, the user has no such key, or it has expired.
            NotFound: on entry, a holding does not exist. On exit, the commission is not pending any more;
                for example, its ``ttl`` has expired.
            BadValue: on entry, an argument is invalid.
            AstakosClientException: on entry or exit, the call failed. After an exception in the block, a
                failed rejection only adds a note to that exception.

        Example:
            .. code-block:: python

                with client.commission(token, uuid, "system", {"llm.tokens": 4000}, ttl=600) as held:
                    answer = ask_the_model(prompt, most_tokens=4000)
                    held.settle({"llm.tokens": answer.tokens_used})
        """
        key = key_of_request(holder) if isinstance(key, Absent) else key
        return Commission(self, token, holder, source, provisions, name=name, force=force, ttl=ttl, key=key)

    def issue_commissions(
        self,
        token: str | None,
        requests: Iterable[Mapping[str, Any]],
        all_or_none: bool = False,
        *,
        idempotency_key: str | None = None,
    ) -> BulkResults:
        """Issues 1 to 1,000 commissions in one request, independently or all-or-none.

        Requires this project's server.

        Args:
            token: a service's token.
            requests: the commissions, each a dict as for `issue_commission`, optionally with ``ttl``, or with
                ``dry_run`` to ask without issuing it, and ``at_most`` to take what there is room for.
            all_or_none: issue none if the server refuses one of them.
            idempotency_key: one key for the whole request; see `issue_commission`.

        Returns:
            A dict with ``results``, a list in the order of ``requests``, and ``done``, which is False if
            ``all_or_none`` prevented all commissions. Each result has the ``status`` and ``body`` of a
            single call, for example ``{"status": 201, "body": {"serial": 13}}``; with ``dry_run``, 200 and
            ``{"serial": None}`` if it would be issued.

        Raises:
            BadValue: ``requests`` is None or cannot be encoded as JSON, or the idempotency key is invalid.
            AstakosClientException: the call failed.
        """
        return self._run(commissions.issue_commissions(token, requests, all_or_none, idempotency_key))

    def get_pending_commissions(
        self, token: str | None, *, after: int | None = None, limit: int | None = None
    ) -> list[int]:
        """Lists the serials of the service's pending commissions, in ascending order.

        To read them page by page, set ``limit``, and pass the last serial of a full page as ``after``. Paging
        requires this project's server; the original one answers all of them.

        Args:
            token: a service's token.
            after: only list serials above this one.
            limit: maximum number of serials, up to 1,000; by default all.

        Raises:
            BadRequest: an argument is invalid.
            AstakosClientException: the call failed.
        """
        return self._run(commissions.get_pending_commissions(token, after, limit))

    def get_commission_info(self, token: str | None, serial: int) -> CommissionInfo:
        """Returns a pending commission, with ``serial``, ``name``, ``issue_time`` and ``provisions``.

        Args:
            token: a service's token.
            serial: the serial of the commission.

        Raises:
            NotFound: the service has no pending commission with this serial.
            BadValue: ``serial`` is None.
            AstakosClientException: the call failed.
        """
        return self._run(commissions.get_commission_info(token, serial))

    def commission_action(self, token: str | None, serial: int, action: str) -> None:
        """Accepts or rejects a pending commission.

        With retries (see `Retry`), the client retries after a failure with an unknown outcome only if the
        server keeps a history, which tells whether an earlier attempt took effect.

        Args:
            token: a service's token.
            serial: the serial of the commission.
            action: ``accept`` or ``reject``.

        Raises:
            NotFound: the service has no pending commission with this serial.
            BadRequest: ``action`` is neither ``accept`` nor ``reject``.
            BadValue: ``serial`` or ``action`` is None.
            AstakosClientException: the call failed.
        """
        self._run(commissions.commission_action(token, serial, action))

    def accept_commission(
        self,
        token: str | None,
        serial: int,
        *,
        quantities: Iterable[Mapping[str, Any]] | None = None,
        overage: Overage | None = None,
    ) -> None:
        """Accepts a pending commission, so that its quantities take effect.

        Args:
            token: a service's token.
            serial: the serial of the commission.
            quantities: what to accept if not what was issued: a list of dicts with the ``holder``, ``source``
                and ``resource`` of a provision, and a ``quantity``. Provisions not listed are accepted in
                full. Requires this project's server; others ignore it.
            overage: what happens to quantities above those that were issued: ``refuse``; ``available``, as
                far as there is room; or ``debt``, beyond the limits. The default is what the issue said.

        Raises:
            NotFound: the service has no pending commission with this serial.
            BadRequest: ``quantities`` does not match the commission.
            BadValue: ``serial`` is None, or ``quantities`` cannot be encoded as JSON.
            AstakosClientException: the call failed.
        """
        self._run(commissions.commission_action(token, serial, "accept", quantities, overage))

    def reject_commission(self, token: str | None, serial: int) -> None:
        """Rejects a pending commission, so that its quantities no longer count.

        Args:
            token: a service's token.
            serial: the serial of the commission.

        Raises:
            NotFound: the service has no pending commission with this serial.
            BadValue: ``serial`` is None.
            AstakosClientException: the call failed.
        """
        self._run(commissions.commission_action(token, serial, "reject"))

    def grow_commission(
        self,
        token: str | None,
        serial: int,
        quantities: Iterable[Mapping[str, Any]],
        *,
        force: bool = False,
    ) -> None:
        """Raises a pending commission to new totals. Repeating it does no harm.

        Requires this project's server.

        Args:
            token: a service's token.
            serial: the serial of the commission.
            quantities: a list of dicts with the ``holder``, ``source`` and ``resource`` of a provision, and
                its new ``quantity``, not below the issued one.
            force: allow it to exceed limits.

        Raises:
            QuotaLimit: it would exceed a limit; nothing has changed.
            NotFound: the service has no pending commission with this serial.
            BadRequest: ``quantities`` does not match the commission.
            AstakosClientException: the call failed.
        """
        self._run(commissions.grow_commission(token, serial, quantities, force))

    def extend_commission(self, token: str | None, serial: int, ttl: int) -> str | None:
        """Lets a pending commission expire ``ttl`` seconds from now, unless it does so later already.

        Requires this project's server.

        Returns:
            When it expires, in ISO 8601; None for a commission that does not expire.

        Raises:
            NotFound: the service has no pending commission with this serial.
            AstakosClientException: the call failed.
        """
        return self._run(commissions.extend_commission(token, serial, ttl))

    def report_progress(
        self, token: str | None, serial: int, quantities: Iterable[Mapping[str, Any]]
    ) -> None:
        """Says what has been used of a pending commission so far: if it expires, that is accepted.

        Requires this project's server.

        Args:
            token: a service's token.
            serial: the serial of the commission.
            quantities: a list of dicts with the ``holder``, ``source`` and ``resource`` of a provision, and
                the ``quantity`` used.

        Raises:
            NotFound: the service has no pending commission with this serial.
            BadRequest: ``quantities`` does not match the commission.
            AstakosClientException: the call failed.
        """
        self._run(commissions.report_progress(token, serial, quantities))

    def resolve_commissions(
        self, token: str | None, accept_serials: Iterable[int], reject_serials: Iterable[int]
    ) -> Resolution:
        """Accepts and rejects several pending commissions, independently of each other.

        Args:
            token: a service's token.
            accept_serials: a list or tuple of serials to accept.
            reject_serials: a list or tuple of serials to reject.

        Returns:
            A dict with ``accepted`` and ``rejected``, lists of serials, and ``failed``, a list of
            ``[serial, fault]`` for serials that are not pending (404) or in both lists (400).

        Raises:
            BadValue: an argument is None or cannot be encoded as JSON.
            AstakosClientException: the call failed.
        """
        return self._run(commissions.resolve_commissions(token, accept_serials, reject_serials))

    def get_commission_history(
        self,
        token: str | None,
        *,
        holder: str | None = None,
        key: str | None = None,
        source: str | None = None,
        resource: str | None = None,
        serial: int | None = None,
        since: str | None = None,
        until: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> HistoryPage:
        """Lists resolved commissions, newest first, with one entry per provision.

        A service sees the commissions that it issued; a user sees the charges to their own holdings. Requires
        this project's server.

        Args:
            token: a service's or a user's token.
            holder: filter by holder: ``user:<uuid>``, ``project:<uuid>``, or the UUID of a user.
            key: only what was charged to the API key with this prefix; a user, only their own.
            source: filter by source: ``project:<uuid>``, or the UUID of a project; an empty string matches
                provisions without a source.
            resource: filter by resource.
            serial: filter by commission.
            since: earliest time of resolution, in ISO 8601 with a time zone.
            until: end of the period (exclusive), in ISO 8601 with a time zone.
            outcome: filter by outcome: ``ACCEPT``, ``REJECT`` or ``EXPIRED``.
            limit: maximum number of entries, up to 1,000; the server's default is 100.
            cursor: the ``next`` of the previous page.

        Returns:
            A dict with ``history``, a list of entries (see `HistoryEntry`), and ``next``, the cursor of the
            next page or None.

        Raises:
            BadRequest: a filter is invalid.
            AstakosClientException: the call failed.
        """
        filters = {
            "holder": holder,
            "key": key,
            "source": source,
            "resource": resource,
            "serial": serial,
            "since": since,
            "until": until,
            "outcome": outcome,
            "limit": limit,
            "cursor": cursor,
        }
        return self._run(commissions.get_commission_history(token, filters))

    def reconcile(
        self,
        token: str | None,
        usage: Iterable[Mapping[str, Any]],
        mend: bool = False,
        name: str | None = None,
    ) -> Reconciliation:
        """Compares the ledger with the actual usage, and corrects the ledger on request.

        Requires this project's server.

        Args:
            token: a service's token.
            usage: the actual usage: a list of up to 10,000 dicts with ``holder``, ``source``, ``resource``
                and ``usage`` (int).
            mend: correct the differences with a forced, accepted commission.
            name: the name of that commission.

        Returns:
            A dict with ``holdings`` (see `Drift`), ``missing`` (entries of ``usage`` without a holding),
            ``drifting`` (the number of holdings that differ), and ``serial`` (the correcting commission or
            None).

        Raises:
            BadRequest: ``usage`` is malformed, or pending releases leave no room for the correction.
            BadValue: ``usage`` is None or cannot be encoded as JSON.
            AstakosClientException: the call failed.
        """
        return self._run(commissions.reconcile(token, usage, mend, name))
