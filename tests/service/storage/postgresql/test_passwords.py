"""The password of a server comes from a file or the environment, so that no command line has to show it."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from astakos.processes.listening import LOOPBACK, listen
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.command import ended

PASSWORD = "correct-horse-battery"
ENCRYPTION_REQUESTS = (80877103, 80877104)
ASK_FOR_PASSWORD = b"R" + struct.pack("!II", 8, 3)
REFUSE = b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"


class Server:
    """A server that asks each client for its password in clear, keeps it, and lets nobody in."""

    def __init__(self, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self.passwords: list[str] = []
        self._listener = listener

    def serve(self) -> None:
        with contextlib.suppress(OSError):  # The listener has been closed.
            while True:
                client, _ = self._listener.accept()
                with client, client.makefile("rb") as stream:
                    self._converse(client, stream.read)

    def _converse(self, client: socket.socket, read: Callable[[int], bytes]) -> None:
        while True:
            length, code = struct.unpack("!II", read(8))
            read(length - 8)
            if code not in ENCRYPTION_REQUESTS:
                break
            client.sendall(b"N")
        client.sendall(ASK_FOR_PASSWORD)
        head = read(5)
        if len(head) == 5:
            (length,) = struct.unpack("!I", head[1:])
            self.passwords.append(read(length - 4).rstrip(b"\0").decode())
            client.sendall(b"E" + struct.pack("!I", len(REFUSE) + 4) + REFUSE)


@pytest.fixture
def server() -> Iterator[Server]:
    with listen(LOOPBACK, 0) as listener:
        found = Server(listener)
        thread = threading.Thread(target=found.serve)
        thread.start()
        yield found
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("way", ["PGPASSFILE", "passfile in the URL", "PGPASSWORD", "ASTAKOS_DATABASE"])
def test_the_password_comes_from_a_file_or_the_environment(server: Server, tmp_path: Path, way: str) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"{LOOPBACK}:{server.port}:astakos:ada:{PASSWORD}\n")
    file.chmod(0o600)
    url = f"postgresql://ada@{LOOPBACK}:{server.port}/astakos"
    variables = {"HOME": str(tmp_path)}
    match way:
        case "PGPASSFILE":
            variables["PGPASSFILE"] = str(file)
        case "passfile in the URL":
            url += f"?passfile={file}"
        case "PGPASSWORD":
            variables["PGPASSWORD"] = PASSWORD
        case _:
            variables["ASTAKOS_DATABASE"] = url.replace("ada@", f"ada:{PASSWORD}@")
    options = [] if way == "ASTAKOS_DATABASE" else ["--database", url]
    done = ended(SQLiteDatabase(f"sqlite:///{tmp_path}/none.db"), "user", "list", *options, **variables)
    assert server.passwords == [PASSWORD]
    assert (done.status, done.output) == (1, "")
    assert "password authentication failed" in done.errors
    assert PASSWORD not in done.errors
