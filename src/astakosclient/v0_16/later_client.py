"""The client for code written against 0.16 to 0.21: the token bound to it, one method per call of the API."""

# It has the names of the documented client with other arguments, by design; nobody calls one for the other.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from astakosclient.calls import account, commissions
from astakosclient.v0_16 import later_calls
from astakosclient.v0_16.project_client import ProjectClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from astakosclient.answer_types import (
        CommissionInfo,
        Endpoints,
        OAuth2Token,
        Quotas,
        Resolution,
        Resource,
        Service,
        ServiceProjectQuotas,
        ServiceQuotas,
    )
    from astakosclient.v0_16.later_calls import Provision


class LaterClient(ProjectClient):
    """A client of an Astakos service that speaks for one user or one service.

    It can be shared by all threads, and goes on working in forked processes. Every call either returns what
    it says or raises an `AstakosClientException` (see `astakosclient.errors`); arguments that cannot be
    right raise `BadValue` before anything is sent.

    The token is a user's for the calls on users' own behalf, and a service's for all ``service_…`` calls
    and those about commissions.

    Example:
        .. code-block:: python

            user = AstakosClient(token, "https://accounts.example.com/identity/v2.0", retry=2, use_pool=True)
            print(user.authenticate()["access"]["user"]["name"])
    """

    # Identity

    def authenticate(self, tenant_name: str | None = None) -> Endpoints:
        """Who holds the token, with their roles and projects, and the service catalogue.

        Args:
            tenant_name: the user's uuid, if the server is to check that it is this user's token.

        Raises:
            Unauthorized: the token is not good.
            NoEndpoints: the catalogue does not say where the account service is.
            AstakosClientException: the call failed.
        """
        access = self._call(account.get_endpoints(self.token, tenant_name))
        self._learn(access)
        return access

    def get_endpoints(self, extra: bool = False) -> Endpoints:
        """The service catalogue, from which `parse_endpoints` picks.

        Args:
            extra: insist on the OAuth2 service.

        Raises:
            NoEndpoints: the catalogue does not say where the account service is, or the OAuth2 service
                if that is asked for.
            AstakosClientException: the call failed.
        """
        access = self._call(later_calls.get_catalogue(self.token))
        self._learn(access)
        if extra:
            self._oauth2()
        return access

    def validate_token(self, token_id: str, belongs_to: str | None = None) -> Endpoints:
        """What an OAuth2 access token is worth: the user who gave it, and until when it holds.

        Args:
            token_id: the access token.
            belongs_to: the URL that it is to be used for, which must lie within its scope.

        Raises:
            NotFound: there is no such token, it has expired, or it is not for this URL.
            AstakosClientException: the call failed.
        """
        return self._call(later_calls.validate_token(self.token, token_id, belongs_to))

    def get_token(
        self, grant_type: str, client_id: str, client_secret: str, **body_params: Any
    ) -> OAuth2Token:
        """An OAuth2 access token in exchange for a code: ``access_token``, ``expires_in`` and more.

        Args:
            grant_type: ``authorization_code``.
            client_id: the identifier of the OAuth2 client.
            client_secret: its secret.
            body_params: ``code``, and ``redirect_uri`` if it was given for the code; None is not sent.

        Raises:
            BadRequest: the server does not accept client or code.
            NoEndpoints: the catalogue does not say where the OAuth2 service is.
            AstakosClientException: the call failed.
        """
        return self._call(
            later_calls.get_token(self.token, grant_type, client_id, client_secret, body_params)
        )

    # Users

    def get_usernames(self, uuids: Iterable[str] | None) -> dict[str, str]:
        """The user names of several users, by uuid; unknown uuids are left out."""
        return self._call(account.get_usernames(self.token, uuids, account.USER_CATALOGS))

    def get_username(self, uuid: str) -> str:
        """The user name of one user.

        Raises:
            NoUserName: there is no such user.
            AstakosClientException: the call failed.
        """
        return self._call(account.get_username(self.token, uuid, account.USER_CATALOGS))

    def service_get_usernames(self, uuids: Iterable[str] | None) -> dict[str, str]:
        """As `get_usernames`, with a service's token; None means all users."""
        return self._call(account.get_usernames(self.token, uuids, account.SERVICE_USER_CATALOGS))

    def service_get_username(self, uuid: str) -> str:
        """As `get_username`, with a service's token."""
        return self._call(account.get_username(self.token, uuid, account.SERVICE_USER_CATALOGS))

    def get_uuids(self, display_names: Iterable[str] | None) -> dict[str, str]:
        """The uuids of several users, by user name as given; unknown names are left out."""
        return self._call(account.get_uuids(self.token, display_names, account.USER_CATALOGS))

    def get_uuid(self, display_name: str) -> str:
        """The uuid of one user.

        Raises:
            NoUUID: there is no such user.
            AstakosClientException: the call failed.
        """
        return self._call(account.get_uuid(self.token, display_name, account.USER_CATALOGS))

    def service_get_uuids(self, display_names: Iterable[str] | None) -> dict[str, str]:
        """As `get_uuids`, with a service's token."""
        return self._call(account.get_uuids(self.token, display_names, account.SERVICE_USER_CATALOGS))

    def service_get_uuid(self, display_name: str) -> str:
        """As `get_uuid`, with a service's token."""
        return self._call(account.get_uuid(self.token, display_name, account.SERVICE_USER_CATALOGS))

    def send_feedback(self, message: str, data: str) -> None:
        """Send a message to the operators of the service, with what else may help, such as a log."""
        self._call(account.send_feedback(self.token, message, data))

    def set_default_project(self, project_id: str) -> None:
        """Choose the project that is charged for the user unless another one is named.

        Raises:
            NotFound: there is no such project, or the user has no part in it.
            Forbidden: the membership or the project is not in force.
            AstakosClientException: the call failed.
        """
        self._call(later_calls.set_default_project(self.token, project_id))

    # The service itself

    def get_services(self) -> list[Service]:
        """The registered services, for showing them to people."""
        return self._call(account.get_services().changed(token=self.token))

    def get_resources(self) -> dict[str, Resource]:
        """The resources that quotas can be about, by name."""
        return self._call(account.get_resources().changed(token=self.token))

    # Quotas

    def get_quotas(self) -> Quotas:
        """The user's own quotas by project and resource: limit, usage, pending, and those of the project."""
        return self._call(account.get_quotas(self.token))

    def service_get_quotas(
        self,
        user: str | Iterable[str] | None = None,
        project_id: str | Iterable[str] | None = None,
        project: str | Iterable[str] | None = None,
    ) -> ServiceQuotas:
        """All users' quotas on the resources of a service, by user, project and resource.

        Args:
            user: only those of this user (a uuid), or of these.
            project_id: only those from this project, or from these.
            project: the old name for the same.

        Raises:
            NotFound: there are none of ``user``.
            AstakosClientException: the call failed.
        """
        projects = later_calls.either_project(project_id, project)
        return self._call(account.service_get_quotas(self.token, user, projects))

    def service_get_project_quotas(
        self,
        project_id: str | Iterable[str] | None = None,
        project: str | Iterable[str] | None = None,
    ) -> ServiceProjectQuotas:
        """All projects' quotas on the resources of a service, by project and resource.

        Args:
            project_id: only those of this project, or of these.
            project: the old name for the same.

        Raises:
            NotFound: there are none of the project.
            AstakosClientException: the call failed.
        """
        projects = later_calls.either_project(project_id, project)
        return self._call(account.service_get_project_quotas(self.token, projects))

    # Commissions

    def issue_commission(
        self, request: Mapping[str, Any], *, ttl: int | None = None, idempotency_key: str | None = None
    ) -> int:
        """Ask for quantities before using them; all are granted, or none.

        Args:
            request: the commission: ``provisions``, and ``name``, ``force`` and ``auto_accept`` if wanted.
            ttl: after so many seconds it is rejected by itself if it is still pending.
            idempotency_key: the same request with the same key gets the same serial, however often it comes.
                This and ``ttl`` are for the service of this project; others ignore them.

        Returns:
            The serial, with which to accept or reject the commission.

        Raises:
            QuotaLimit: a limit would be exceeded; its attributes have the figures.
            NotFound: there is no such holding.
            BadValue: an argument cannot be right.
            AstakosClientException: the call failed.
        """
        return self._call(commissions.issue_commission(self.token, request, ttl, idempotency_key))

    def _issue_commission(self, request: Mapping[str, Any]) -> int:
        """As `issue_commission`; code of that time calls it so."""
        return self.issue_commission(request)

    @overload
    def issue_one_commission(
        self,
        holder: str,
        provisions: Mapping[tuple[str, str], int],
        name: str = "",
        force: bool = False,
        auto_accept: bool = False,
        *,
        ttl: int | None = None,
        idempotency_key: str | None = None,
    ) -> int: ...

    @overload
    def issue_one_commission(
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
    ) -> int: ...

    def issue_one_commission(self, holder: str, *arguments: Any, **options: Any) -> int:
        """Charge a user, and the projects they take from; see `issue_commission`.

        Args:
            holder: the uuid of the user.
            provisions: quantities by ``(project, resource)``; negative to give back. Each is charged twice,
                to the user and to the project.
            name: a note that stays with the commission.
            force: grant it even beyond the limit.
            auto_accept: accept it at once, so that it is never pending.
            ttl: as for `issue_commission`.
            idempotency_key: as for `issue_commission`.

        The form of 0.15, with a ``source`` before quantities by resource, is understood as well.

        Example:
            .. code-block:: python

                serial = client.issue_one_commission(uuid, {(project, "cyclades.vm"): 1}, name="vm 7")
                client.accept_commission(serial)
        """
        # No quantities by project can be a string, so that the forms cannot be mistaken for each other.
        of_0_15 = "source" in options or isinstance(next(iter(arguments), None), str)
        describe = later_calls.issue_one_commission_of_0_15 if of_0_15 else later_calls.issue_one_commission
        return self._call(describe(self.token, holder, *arguments, **options))

    def issue_commission_generic(
        self,
        user_provisions: Mapping[tuple[str, str, str], int],
        project_provisions: Mapping[tuple[str, str], int],
        name: str = "",
        force: bool = False,
        auto_accept: bool = False,
        *,
        ttl: int | None = None,
        idempotency_key: str | None = None,
    ) -> int:
        """Charge users and projects, each exactly as given; see `issue_one_commission`.

        Args:
            user_provisions: quantities by ``(user, project, resource)``.
            project_provisions: quantities by ``(project, resource)``.
            name, force, auto_accept, ttl, idempotency_key: as for `issue_one_commission`.
        """
        return self._call(
            later_calls.issue_commission_generic(
                self.token,
                user_provisions,
                project_provisions,
                name,
                force,
                auto_accept,
                ttl,
                idempotency_key,
            )
        )

    def issue_resource_reassignment(
        self,
        holder: str,
        provisions: Mapping[tuple[str, str, str], int],
        name: str = "",
        force: bool = False,
        auto_accept: bool = False,
        *,
        ttl: int | None = None,
        idempotency_key: str | None = None,
    ) -> int:
        """Charge what a user has to another project; see `issue_one_commission`.

        Args:
            holder: the uuid of the user.
            provisions: quantities by ``(from_project, to_project, resource)``.
            name, force, auto_accept, ttl, idempotency_key: as for `issue_one_commission`.
        """
        return self._call(
            later_calls.issue_resource_reassignment(
                self.token, holder, provisions, name, force, auto_accept, ttl, idempotency_key
            )
        )

    def mk_provisions(self, holder: str, source: str, resource: str, quantity: int) -> list[Provision]:
        """The two provisions of one charge: the user's on a project, and the project's.

        Args:
            holder: the uuid of the user.
            source: the uuid of the project.
            resource: the name of the resource.
            quantity: how much; negative to give back.

        Raises:
            BadValue: a name is no string.
        """
        return later_calls.mk_provisions(holder, source, resource, quantity)

    def get_pending_commissions(self) -> list[int]:
        """The serials of the service's commissions that are neither accepted nor rejected yet."""
        return self._call(commissions.get_pending_commissions(self.token))

    def get_commission_info(self, serial: int) -> CommissionInfo:
        """A pending commission: its serial, name, issue time and provisions.

        Raises:
            NotFound: no such commission of this service is pending.
            AstakosClientException: the call failed.
        """
        return self._call(commissions.get_commission_info(self.token, serial))

    def commission_action(self, serial: int, action: str) -> None:
        """Accept or reject a pending commission: ``action`` is ``accept`` or ``reject``.

        Raises:
            NotFound: no such commission of this service is pending.
            AstakosClientException: the call failed.
        """
        self._call(commissions.commission_action(self.token, serial, action))

    def accept_commission(
        self, serial: int, *, quantities: Iterable[Mapping[str, Any]] | None = None
    ) -> None:
        """Accept a pending commission; see `commission_action`.

        Args:
            serial: what issuing it returned.
            quantities: what really came true, if it was less than was issued: provisions of the commission,
                each with a ``quantity`` between 0 and the one issued; what is not named came true whole. For
                the service of this project; others accept all.
        """
        self._call(commissions.commission_action(self.token, serial, "accept", quantities))

    def reject_commission(self, serial: int) -> None:
        """Reject a pending commission; see `commission_action`."""
        self.commission_action(serial, "reject")

    def resolve_commissions(self, accept_serials: Iterable[int], reject_serials: Iterable[int]) -> Resolution:
        """Accept and reject many pending commissions at once, each by itself.

        Returns:
            ``accepted`` and ``rejected``, lists of serials, and ``failed``, pairs of a serial and a fault.

        Raises:
            AstakosClientException: the call failed.
        """
        return self._call(commissions.resolve_commissions(self.token, accept_serials, reject_serials))
