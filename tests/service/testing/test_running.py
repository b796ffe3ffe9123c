"""A service in the test's own process, as those use it who test with it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, errors
from astakosclient.testing import RunningService, running_service

if TYPE_CHECKING:
    from pathlib import Path

    from service.testing.conftest import Shop


def test_three_lines_make_a_user_a_service_and_a_limit(astakos_service: RunningService) -> None:
    compute = astakos_service.add_service("compute", resources=["compute.vm"])
    ada = astakos_service.add_user()
    astakos_service.set_limit(ada, "compute.vm", 2)

    client = astakos_service.client()
    client.issue_one_commission(compute.token, ada.uuid, "system", {"compute.vm": 2}, auto_accept=True)
    with pytest.raises(errors.QuotaLimit) as refused:
        client.issue_one_commission(compute.token, ada.uuid, "system", {"compute.vm": 1})
    assert (refused.value.limit, refused.value.available) == (2, 0)


def test_it_is_the_whole_service(astakos_service: RunningService, shop: Shop) -> None:
    client = astakos_service.client()
    assert client.get_user_info(shop.ada.token)["uuid"] == shop.ada.uuid
    assert client.get_username(shop.ada.token, shop.ada.uuid) == "ada@example.org"
    assert set(client.get_resources()) == {"compute.vm"}
    catalog = client.get_endpoints(shop.ada.token)["access"]["serviceCatalog"]
    urls = {endpoint["publicURL"] for service in catalog for endpoint in service["endpoints"]}
    assert f"{astakos_service.url}/account/v1.0" in urls
    serial = shop.issue(client, 3)
    client.accept_commission(
        shop.compute.token,
        serial,
        quantities=[
            {
                "holder": f"user:{shop.ada.uuid}",
                "source": f"project:{shop.ada.uuid}",
                "resource": "compute.vm",
                "quantity": 1,
            },
            {"holder": f"project:{shop.ada.uuid}", "source": None, "resource": "compute.vm", "quantity": 1},
        ],
    )
    assert client.get_quotas(shop.ada.token)[shop.ada.uuid]["compute.vm"]["usage"] == 1
    with urllib.request.urlopen(f"{astakos_service.url}/readyz", timeout=20) as answer:
        assert answer.status == 200


def test_many_threads_get_exactly_what_there_is(astakos_service: RunningService, shop: Shop) -> None:
    astakos_service.set_limit(shop.ada, "compute.vm", 50)
    client = astakos_service.client()

    def issue(_: int) -> bool:
        try:
            client.accept_commission(shop.compute.token, shop.issue(client, 1))
        except errors.QuotaLimit:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        granted = sum(threads.map(issue, range(80)))
    assert granted == 50
    quota = client.get_quotas(shop.ada.token)[shop.ada.uuid]["compute.vm"]
    assert (quota["usage"], quota["pending"]) == (50, 0)


def test_two_at_once_have_nothing_in_common(astakos_service: RunningService, shop: Shop) -> None:
    with running_service() as other:
        assert other.url != astakos_service.url
        with pytest.raises(errors.Unauthorized):
            other.client().get_quotas(shop.ada.token)
        other.fail_next(503)
        other.clock.advance(40 * 24 * 3600)
        client = astakos_service.client()
        assert client.get_quotas(shop.ada.token)
        other.add_user("ada@example.org")
        assert len(astakos_service.requests) == 1
        assert len(other.requests) == 1
    assert client.get_quotas(shop.ada.token)


def test_several_can_be_started_by_several_threads() -> None:
    def use(number: int) -> list[str]:
        with running_service() as service:
            user = service.add_user(f"user-of-{number}")
            return [service.client().get_user_info(user.token)["username"], service.url]

    with ThreadPoolExecutor(4) as threads:
        used = list(threads.map(use, range(12)))
    assert [name for name, _ in used] == [f"user-of-{number}@example.org" for number in range(12)]


def test_after_the_end_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    threads = set(threading.enumerate())
    with running_service() as service:
        client = service.client()
        client.get_resources()
        assert list(tmp_path.iterdir())
        url = service.url
    assert set(threading.enumerate()) <= threads
    assert not list(tmp_path.iterdir())
    with AstakosClient(url) as late, pytest.raises(errors.ConnectionError) as refused:
        late.get_resources()
    assert refused.value.sent is False


def test_after_the_end_it_can_not_be_changed() -> None:
    with running_service() as service:
        pass
    for change in (service.add_user, lambda: service.clock.advance(1), service.client):
        with pytest.raises(RuntimeError, match="has ended"):
            change()


def test_it_ends_when_the_test_fails() -> None:
    threads = set(threading.enumerate())

    def fail() -> None:
        with running_service() as service:
            service.client().get_resources()
            raise KeyError("of the test")

    with pytest.raises(KeyError, match="of the test"):
        fail()
    assert set(threading.enumerate()) <= threads


def test_nothing_of_the_service_is_imported_before_one_is_started() -> None:
    program = (
        "import sys, astakosclient.testing, astakosclient.testing.fixtures\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'astakos', 'uvicorn', 'sqlalchemy', 'msgspec'}, loaded\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_who_lacks_the_service_is_told_how_to_install_it() -> None:
    program = (
        "import sys\n"
        "sys.modules['httptools'] = None\n"
        "from astakosclient.testing import ServiceNotInstalledError, running_service\n"
        "try:\n"
        "    with running_service():\n"
        "        pass\n"
        "except ServiceNotInstalledError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert 'pip install "astakos[server]"' in done.stdout
    assert "httptools is missing" in done.stdout


def test_an_asynchronous_client_speaks_to_it(astakos_service: RunningService) -> None:
    ada = astakos_service.add_user("ada@example.org")
    compute = astakos_service.add_service("compute", resources={"compute.vm": 2})

    async def use() -> None:
        async with astakos_service.async_client() as client:
            info = await client.get_user_info(ada.token)
            service = client.bind(compute.token)
            async with service.commission(info["uuid"], "system", {"compute.vm": 2}) as commission:
                assert await service.get_pending_commissions() == [commission.serial]
                commission.settle({"compute.vm": 1})
            users = client.lookups(compute.token, as_service=True)
            names = await asyncio.gather(*(users.get_username(ada.uuid) for _ in range(5)))
            assert names == [ada.username] * 5
            quota = (await client.get_quotas(ada.token))[ada.uuid]["compute.vm"]
            assert (quota["usage"], quota["pending"]) == (1, 0)

    asyncio.run(use())
    catalogs = [request for request in astakos_service.requests if request.path.endswith("user_catalogs")]
    assert len(catalogs) == 1
