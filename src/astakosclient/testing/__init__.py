"""A real service in the test's own process, so that services are tested against the truth.

With pytest the fixture ``astakos_service`` is there by itself; anywhere else `running_service` starts one:

.. code-block:: python

    def test_a_machine_is_charged(astakos_service):
        compute = astakos_service.add_service("compute", resources={"compute.vm": 4})
        ada = astakos_service.add_user("ada@example.org")

        start_machine(ada.token, astakos_service.url, compute.token)

        quotas = astakos_service.client().get_quotas(ada.token)
        assert quotas[ada.uuid]["compute.vm"]["usage"] == 1

It is the service itself, on a port of the loopback and a temporary database; it needs what the service
needs: ``pip install "astakosclient[server]"``. This package is the one part of `astakosclient` that uses
`astakos`, and it does so only when a name is taken from it.
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
    """What `astakos.testing` has, when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - most who import the client test nothing

    return getattr(import_module(f"astakos.testing.{_MODULES[name]}"), name)
