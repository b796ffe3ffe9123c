"""The 0.16 to 0.21 client's methods about commissions."""

# Methods have the names of the base class's but other arguments, by design: the APIs differ.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from astakosclient.calls import commissions
from astakosclient.v0_16 import later_calls
from astakosclient.v0_16.project_client import ProjectClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from astakosclient.answer_types import CommissionInfo, Resolution
    from astakosclient.v0_16.later_calls import Provision


class CommissionClient(ProjectClient):
    """Calls about commissions and about projects. `LaterClient` adds all others."""

    def issue_commission(
        self, request: Mapping[str, Any], *, ttl: int | None = None, idempotency_key: str | None = None
    ) -> int:
        """Issues a commission and returns its serial. The server grants all provisions or none.

        For the keys of ``request`` and for retries, see `DocumentedClient.issue_commission`.

        Args:
            request: a dict with ``provisions``, and optionally ``name``, ``force`` and ``auto_accept``.
            ttl: seconds until the server rejects the commission if it is still pending.
            idempotency_key: 1 to 255 printable ASCII characters; the server issues a request once per key
                and returns the same serial each time. This and ``ttl`` require this project's server; others
                ignore them.

        Raises:
            QuotaLimit: it would exceed a limit, or release more than is in use; see its attributes.
            NotFound: a holding does not exist.
            BadValue: an argument is invalid.
            AstakosClientException: the call failed.
        """
        return self._call(commissions.issue_commission(self.token, request, ttl, idempotency_key))

    def _issue_commission(self, request: Mapping[str, Any]) -> int:
        """Does the same as `issue_commission`, under the name that the 0.16 client used."""
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
        """Charges a user and the source projects, and returns the serial of the commission.

        Also accepts the 0.15 form, with a ``source`` before ``provisions``, which are then quantities by
        resource. For exceptions, see `issue_commission`.

        Args:
            holder: the user's UUID.
            provisions: quantity by ``(project, resource)``; negative to release. The client charges each
                quantity to the user and to the project.
            name: a note.
            force: grant quantities beyond the limits.
            auto_accept: accept the commission immediately.
            ttl: see `issue_commission`.
            idempotency_key: see `issue_commission`.

        Example:
            .. code-block:: python

                serial = client.issue_one_commission(uuid, {(project, "cyclades.vm"): 1}, name="vm 7")
                client.accept_commission(serial)
        """
        # Unambiguous: the second argument is a string only in the 0.15 form.
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
        """Charges users and projects exactly as given, and returns the serial of the commission.

        Args:
            user_provisions: quantity by ``(user, project, resource)``.
            project_provisions: quantity by ``(project, resource)``.
            name, force, auto_accept, ttl, idempotency_key: see `issue_one_commission`.
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
        """Moves a user's charges from one project to another, and returns the serial of the commission.

        Args:
            holder: the user's UUID.
            provisions: quantity by ``(from_project, to_project, resource)``.
            name, force, auto_accept, ttl, idempotency_key: see `issue_one_commission`.
        """
        return self._call(
            later_calls.issue_resource_reassignment(
                self.token, holder, provisions, name, force, auto_accept, ttl, idempotency_key
            )
        )

    def mk_provisions(self, holder: str, source: str, resource: str, quantity: int) -> list[Provision]:
        """Returns the two provisions of a charge: the user's on a project, and the project's own.

        Args:
            holder: the user's UUID.
            source: the project's UUID.
            resource: the name of the resource.
            quantity: the quantity; negative to release.

        Raises:
            BadValue: ``holder``, ``source`` or ``resource`` is not a string.
        """
        return later_calls.mk_provisions(holder, source, resource, quantity)

    def get_pending_commissions(self) -> list[int]:
        """Lists the serials of the service's pending commissions."""
        return self._call(commissions.get_pending_commissions(self.token))

    def get_commission_info(self, serial: int) -> CommissionInfo:
        """Returns a pending commission, with ``serial``, ``name``, ``issue_time`` and ``provisions``.

        Raises:
            NotFound: the service has no pending commission with this serial.
            AstakosClientException: the call failed.
        """
        return self._call(commissions.get_commission_info(self.token, serial))

    def commission_action(self, serial: int, action: str) -> None:
        """Accepts or rejects a pending commission: ``action`` is ``accept`` or ``reject``.

        Raises:
            NotFound: the service has no pending commission with this serial.
            BadRequest: ``action`` is neither ``accept`` nor ``reject``.
            BadValue: ``serial`` or ``action`` is None.
            AstakosClientException: the call failed.
        """
        self._call(commissions.commission_action(self.token, serial, action))

    def accept_commission(
        self, serial: int, *, quantities: Iterable[Mapping[str, Any]] | None = None
    ) -> None:
        """Accepts a pending commission; raises the same exceptions as `commission_action`.

        Args:
            serial: the serial of the commission.
            quantities: what to accept if less than was issued: a list of dicts with the ``holder``,
                ``source`` and ``resource`` of a provision, and a ``quantity`` between 0 and the issued one.
                Provisions not listed are accepted in full. Requires this project's server; others ignore it.
        """
        self._call(commissions.commission_action(self.token, serial, "accept", quantities))

    def reject_commission(self, serial: int) -> None:
        """Rejects a pending commission; raises the same exceptions as `commission_action`."""
        self.commission_action(serial, "reject")

    def resolve_commissions(self, accept_serials: Iterable[int], reject_serials: Iterable[int]) -> Resolution:
        """Accepts and rejects several pending commissions, independently of each other.

        Returns:
            A dict with ``accepted`` and ``rejected``, lists of serials, and ``failed``, a list of
            ``[serial, fault]``.

        Raises:
            BadValue: an argument is None.
            AstakosClientException: the call failed.
        """
        return self._call(commissions.resolve_commissions(self.token, accept_serials, reject_serials))
