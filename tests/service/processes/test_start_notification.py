"""The service tells systemd when it is ready, and nobody else."""

import secrets
import socket
from pathlib import Path

import pytest

from astakos.storage.protocol import Database
from service.command import serving

TO_HEAR_SECONDS = 30


@pytest.mark.parametrize("is_abstract", [False, True])
def test_whoever_waits_for_the_service_is_told_that_it_is_ready(
    database: Database, tmp_path: Path, is_abstract: bool
) -> None:
    name = f"@astakos-{secrets.token_hex(8)}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0"))
        manager.settimeout(TO_HEAR_SECONDS)
        with serving(database, NOTIFY_SOCKET=name) as served:
            assert manager.recv(100) == b"READY=1"
            assert served.caller.get("/readyz").status == 200
            assert served.end().errors == ""
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(100)


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/at/all", "vsock:2:1234"])
def test_where_nobody_can_be_told_the_service_starts_all_the_same(database: Database, name: str) -> None:
    with serving(database, NOTIFY_SOCKET=name) as served:
        assert served.caller.get("/readyz").status == 200
        assert (served.end().status, served.end().errors) == (0, "")
