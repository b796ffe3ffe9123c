import asyncio

import pytest

from astakos.events.event import Actor
from astakos.ledger.operations import Issue, Issued, Operation, Outcome, Resolve, Verdict
from astakos.ledger.ports import StorageUnavailableError
from astakos.ledger.rules import Holding, Provision
from astakos.projects.refusals import ProjectRefusedError
from astakos.service.resolving import resolve_commissions
from astakos.service.service import Service
from astakos.storage.protocol import Database
from service.installation import holdings, last_event
from service.world import ALICE, BASE_URL, CHLOE, member_key

U = member_key(ALICE)
ACTOR = Actor(CHLOE.uuid, "192.0.2.7", is_project_admin=True)


def test_an_administrator_resolves_commissions_while_the_service_runs(database: Database) -> None:
    async def story() -> None:
        service = Service(database, BASE_URL)
        await service.ledger.start()
        issued = await service.ledger.submit(Issue(1, (Provision(U, 4),)))
        assert isinstance(issued, Issued)
        done = await resolve_commissions(service, ACTOR, [issued.serial, 99], Verdict.REJECT, "gone")
        assert (list(done.resolved), done.missing) == ([issued.serial], [99])
        with pytest.raises(ProjectRefusedError):
            await resolve_commissions(service, ACTOR, [1], Verdict.ACCEPT, "\0")
        await service.ledger.stop()

    asyncio.run(story())
    assert holdings(database)[U] == Holding(10)
    assert last_event(database)[2:8] == ("commission.rejected", CHLOE.uuid, "192.0.2.7", None, None, "gone")


def test_what_is_resolved_is_in_the_log_though_the_next_component_cannot_be(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        service = Service(database, BASE_URL)
        await service.ledger.start()
        serials = []
        for component in (1, 2):
            issued = await service.ledger.submit(Issue(component, (Provision(U, 4),)))
            assert isinstance(issued, Issued)
            serials.append(issued.serial)
        submit = service.ledger.submit

        async def submit_of_the_first(operation: Operation) -> Outcome:
            if isinstance(operation, Resolve) and serials[1] in operation.reject:
                raise StorageUnavailableError
            return await submit(operation)

        monkeypatch.setattr(service.ledger, "submit", submit_of_the_first)
        with pytest.raises(StorageUnavailableError):
            await resolve_commissions(service, ACTOR, serials, Verdict.REJECT, "gone")
        await service.ledger.stop()

    asyncio.run(story())
    assert holdings(database)[U] == Holding(10, 0, 4)
    assert last_event(database)[2:8] == ("commission.rejected", CHLOE.uuid, "192.0.2.7", None, None, "gone")
