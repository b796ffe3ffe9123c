"""`LaterClient`, the client of the 0.16 to 0.21 API: it stores its token; one method per API call."""

# Methods have the names of the base class's but other arguments, by design: the APIs differ.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient.calls import account, projects, standard_tokens
from astakosclient.calls.standard_tokens import ClientCredentials
from astakosclient.v0_16 import later_calls
from astakosclient.v0_16.commission_client import CommissionClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from astakosclient.answer_types import (
        Catalog,
        Endpoints,
        Introspection,
        OAuth2Token,
        Quotas,
        Resource,
        Service,
        ServiceProjectQuotas,
        ServiceQuotas,
        Validation,
    )


class LaterClient(CommissionClient):
    """A client for the 0.16 to 0.21 API, with the token of one user or one service.

    Thread-safe and fork-safe. Every call either returns its documented result or raises an
    `AstakosClientException` (see `astakosclient.errors`). Invalid arguments raise `BadValue`, and the client
    sends nothing. Use a service's token for ``service_…`` calls and calls about commissions, and a user's
    token for all others.

    Example:
        .. code-block:: python

            user = AstakosClient(token, "https://accounts.example.com/identity/v2.0", retry=2, use_pool=True)
            print(user.authenticate()["access"]["user"]["name"])
    """

    # Identity

    def authenticate(self, tenant_name: str | None = None) -> Endpoints:
        """Returns the holder of the token, with roles and projects, and the service catalog.

        Args:
            tenant_name: a user's UUID; the server then checks that the token belongs to this user.

        Raises:
            Unauthorized: the token is unknown or expired.
            BadRequest: the token belongs to another user than ``tenant_name``.
            NoEndpoints: the catalog does not list the account service.
            AstakosClientException: the call failed.
        """
        access = self._call(account.get_endpoints(self.token, tenant_name))
        self._learn(access)
        return access

    def get_endpoints(self, extra: bool = False) -> Catalog:
        """Returns the service catalog, which `parse_endpoints` searches.

        Args:
            extra: also require the OAuth2 service.

        Raises:
            NoEndpoints: the catalog does not list the account service or, with ``extra``, the OAuth2 service.
            AstakosClientException: the call failed.
        """
        catalog = self._call(later_calls.get_catalog(self.token))
        self._learn(catalog)
        if extra:
            self._oauth2()
        return catalog

    def validate_token(self, token_id: str, belongs_to: str | None = None) -> Validation:
        """Validates an OAuth2 access token, and returns its user and expiry.

        Args:
            token_id: the access token.
            belongs_to: a URL that must be within the scope of the token.

        Raises:
            NotFound: the token is unknown or expired, or its scope does not include ``belongs_to``.
            AstakosClientException: the call failed.
        """
        return self._call(later_calls.validate_token(self.token, token_id, belongs_to))

    def get_token(
        self, grant_type: str, client_id: str, client_secret: str, **body_params: Any
    ) -> OAuth2Token:
        """Exchanges an OAuth2 code for an access token.

        Args:
            grant_type: ``authorization_code``.
            client_id: the OAuth2 client's identifier.
            client_secret: the OAuth2 client's secret.
            body_params: ``code``, and ``redirect_uri`` if the authorization request had one; None is omitted.

        Returns:
            A dict with ``access_token``, ``token_type`` and other keys; see `OAuth2Token`.

        Raises:
            BadRequest: the client or the code is invalid.
            NoEndpoints: the catalog does not list the OAuth2 service.
            AstakosClientException: the call failed.
        """
        return self._call(
            later_calls.get_token(self.token, grant_type, client_id, client_secret, body_params)
        )

    def introspect_token(
        self,
        token_id: str,
        *,
        address: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
    ) -> Introspection:
        """Tells whether another token is valid, and whose it is (RFC 7662). Requires this project's server.

        Services ask with their own token; OAuth2 clients with their identifier and secret, about their own
        access tokens.

        Args:
            token_id: the token or key of a user, or an OAuth2 access token.
            address: the IP address that it came from, for keys that are limited to networks.
            client_id: the OAuth2 client's identifier, in place of this client's token.
            client_secret: the OAuth2 client's secret.

        Returns:
            A dict with ``active`` and, if that is true, ``sub`` (the user's UUID) and other keys; see
            `Introspection`.

        Raises:
            Unauthorized: this client's token is not that of a service, or the secret is wrong.
            AstakosClientException: the call failed.
        """
        client = None if client_id is None else ClientCredentials(client_id, client_secret)
        return self._call(standard_tokens.introspect_token(self.token, token_id, address, client))

    def revoke_token(
        self, token_id: str, *, client_id: str | None = None, client_secret: str | None = None
    ) -> None:
        """Ends a token before it expires (RFC 7009). Requires this project's server.

        Users end their keys and temporary tokens; OAuth2 clients end their access tokens. What is not valid
        any more has ended already: that is no error, either.

        Args:
            token_id: the token or key.
            client_id: the OAuth2 client's identifier, in place of this client's token.
            client_secret: the OAuth2 client's secret; None for a public client.

        Raises:
            BadRequest: the token belongs to somebody else, or is the user's own token or that of a session.
            Forbidden: this client's token is a key, and ``token_id`` is another one.
            AstakosClientException: the call failed.
        """
        client = None if client_id is None else ClientCredentials(client_id, client_secret)
        self._call(standard_tokens.revoke_token(self.token, token_id, client))

    # Users

    def get_usernames(self, uuids: Iterable[str] | None) -> dict[str, str]:
        """Returns the user names for several UUIDs, as a dict by UUID. Omits unknown UUIDs."""
        return self._call(account.get_usernames(self.token, uuids, account.USER_CATALOGS))

    def get_username(self, uuid: str) -> str:
        """Returns the user name for one UUID.

        Raises:
            NoUserName: no user has this UUID.
            BadValue: ``uuid`` is not a string.
            AstakosClientException: the call failed.
        """
        return self._call(account.get_username(self.token, uuid, account.USER_CATALOGS))

    def service_get_usernames(self, uuids: Iterable[str] | None) -> dict[str, str]:
        """Does the same as `get_usernames`, with a service's token; None returns all users."""
        return self._call(account.get_usernames(self.token, uuids, account.SERVICE_USER_CATALOGS))

    def service_get_username(self, uuid: str) -> str:
        """Does the same as `get_username`, with a service's token."""
        return self._call(account.get_username(self.token, uuid, account.SERVICE_USER_CATALOGS))

    def get_uuids(self, display_names: Iterable[str] | None) -> dict[str, str]:
        """Returns the UUIDs for several user names, as a dict by name as given. Omits unknown names."""
        return self._call(account.get_uuids(self.token, display_names, account.USER_CATALOGS))

    def get_uuid(self, display_name: str) -> str:
        """Returns the UUID for one user name.

        Raises:
            NoUUID: no user has this name.
            BadValue: ``display_name`` is not a string.
            AstakosClientException: the call failed.
        """
        return self._call(account.get_uuid(self.token, display_name, account.USER_CATALOGS))

    def service_get_uuids(self, display_names: Iterable[str] | None) -> dict[str, str]:
        """Does the same as `get_uuids`, with a service's token."""
        return self._call(account.get_uuids(self.token, display_names, account.SERVICE_USER_CATALOGS))

    def service_get_uuid(self, display_name: str) -> str:
        """Does the same as `get_uuid`, with a service's token."""
        return self._call(account.get_uuid(self.token, display_name, account.SERVICE_USER_CATALOGS))

    def send_feedback(
        self, message: str, data: str | Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> None:
        """Sends feedback to the operators: ``message`` (not empty), and ``data``, for example a log.

        For ``idempotency_key``, see `create_project`.
        """
        self._call(account.send_feedback(self.token, message, data, idempotency_key))

    # Services and resources

    def get_services(self) -> list[Service]:
        """Lists the registered services, for menus."""
        return self._call(account.get_services().changed(token=self.token))

    def get_resources(self) -> dict[str, Resource]:
        """Returns the resources that quotas can limit, as a dict by name."""
        return self._call(account.get_resources().changed(token=self.token))

    # Quotas

    def get_quotas(self) -> Quotas:
        """Returns the user's own quotas, as a dict by project and resource; see `Quotas`."""
        return self._call(account.get_quotas(self.token))

    def service_get_quotas(
        self,
        user: str | Iterable[str] | None = None,
        project_id: str | Iterable[str] | None = None,
        project: str | Iterable[str] | None = None,
    ) -> ServiceQuotas:
        """Returns users' quotas for the service's resources, as a dict by user, project and resource.

        Args:
            user: a UUID or several; the default is all users. An empty list matches no user (`NotFound`).
            project_id: a project UUID or several; the default is all projects.
            project: the old name of ``project_id``, which takes precedence.

        Raises:
            NotFound: ``user`` is given, and no quota matches.
            AstakosClientException: the call failed.
        """
        source = projects.either_project(project_id, project)
        return self._call(account.service_get_quotas(self.token, user, source))

    def service_get_project_quotas(
        self,
        project_id: str | Iterable[str] | None = None,
        project: str | Iterable[str] | None = None,
    ) -> ServiceProjectQuotas:
        """Returns projects' quotas for the service's resources, as a dict by project and resource.

        Args:
            project_id: a project UUID or several; the default is all projects.
            project: the old name of ``project_id``, which takes precedence.

        Raises:
            NotFound: a project is given, and no quota matches.
            AstakosClientException: the call failed.
        """
        source = projects.either_project(project_id, project)
        return self._call(account.service_get_project_quotas(self.token, source))
