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
`astakos`, and it does so only when a service is started.
"""

from astakosclient.testing.clock import Clock
from astakosclient.testing.members import Component, Project, User
from astakosclient.testing.requests import SeenRequest
from astakosclient.testing.running import RunningService, ServiceNotInstalledError, running_service
from astakosclient.testing.switches import Switch

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
