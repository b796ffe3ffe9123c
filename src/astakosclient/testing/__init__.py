"""Runs a real Astakos service inside a test process, for testing code that uses the client.

With pytest, use the fixture ``astakos_service``, which needs no import. Elsewhere, call `running_service`.

.. code-block:: python

    def test_a_machine_is_charged(astakos_service):
        compute = astakos_service.add_service("compute", resources={"compute.vm": 4})
        ada = astakos_service.add_user("ada@example.org")

        start_machine(ada.token, astakos_service.url, compute.token)

        quotas = astakos_service.client().get_quotas(ada.token)
        assert quotas[ada.uuid]["compute.vm"]["usage"] == 1

The service listens on a loopback port and uses a temporary database. Requires the dependencies of the
service: ``pip install "astakos[server]"``. This package is the only part of `astakosclient` that
imports `astakos`, and it does so on first use.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astakos.testing.clock import Clock
    from astakos.testing.members import Component, Project, User
    from astakos.testing.running import RunningService, ServiceNotInstalledError, running_service
    from astakos.testing.seen_requests import SeenRequest
    from astakos.testing.switches import Switch

__all__ = [
    "Clock",
    "Component",
    "Project",
    "RunningService",
    "SeenRequest",
    "ServiceNotInstalledError",
    "Switch",
    "User",
    "running_service",
]

_MODULES = {
    "Clock": "clock",
    "Component": "members",
    "Project": "members",
    "RunningService": "running",
    "SeenRequest": "seen_requests",
    "ServiceNotInstalledError": "running",
    "Switch": "switches",
    "User": "members",
    "running_service": "running",
}


def __getattr__(name: str) -> object:
    """Imports a public name of `astakos.testing` on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - only when used

    return getattr(import_module(f"astakos.testing.{_MODULES[name]}"), name)
