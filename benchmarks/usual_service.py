"""The usual design of a quota service: each call is a transaction of its own, made durable by its own commit.

For comparison only. It answers as much of the API as the comparison needs, on the same tables with the same
settings, and with the same server, event loop, HTTP parser and JSON library as `astakos serve`. There is no
framework and no ORM, which would only make it slower; what differs is the design: work goes to a pool of
threads, each with a connection, holdings are locked, read and written row by row, and every call commits.
"""

import asyncio
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import msgspec
import uvicorn

from astakos.directory.tokens import token_hash
from astakos.processes.listening import listen
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection, Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables.ledger_rows import (
    DELETE_PENDING,
    INSERT_HOLDER,
    INSERT_PENDING,
    MOVE_TO_RESOLVED,
    SET_USAGE,
)
from benchmarks.child_process import HOST
from benchmarks.wire import ISSUE_PATH

Message = MutableMapping[str, Any]
Answer = tuple[int, Any]

FIND_COMPONENT = "SELECT id FROM components WHERE token_hash = ?"
FIND_HOLDING = """
SELECT id, "limit", usage_min, usage_max FROM holdings WHERE holder = ? AND source = ? AND resource = ?
"""
FIND_HOLDING_BY_ID = 'SELECT holder, source, "limit", usage_min, usage_max FROM holdings WHERE id = ?'
FIND_PENDING = "SELECT provisions FROM pending_commissions WHERE component_id = ? AND serial = ?"
LIST_QUOTAS = """
SELECT h.holder, h.source, h.resource, h."limit", h.usage_min, h.usage_max,
       p."limit", p.usage_min, p.usage_max
FROM holdings h JOIN holdings p ON p.holder = h.source AND p.source = '' AND p.resource = h.resource
"""


class Dialect(NamedTuple):
    """What differs between the databases.

    Attributes:
        begin: begins a transaction that writes.
        lock: makes a read lock its row.
        next_serial: counts.
        threads: how many of them did best.
    """

    begin: str
    lock: str
    next_serial: str
    threads: int


SQLITE = Dialect(
    "BEGIN IMMEDIATE",
    "",
    """
INSERT INTO settings (name, value) VALUES ('last_serial', '1')
ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value
""",
    6,
)
POSTGRESQL = Dialect("BEGIN", " FOR UPDATE", "SELECT nextval('commission_serials')", 32)


class ProvisionBody(msgspec.Struct):
    """One entry of `provisions`."""

    holder: str
    source: str | None
    resource: str
    quantity: int


class IssueBody(msgspec.Struct):
    """The body of an issue."""

    provisions: list[ProvisionBody]
    name: str = ""


class Refused(Exception):  # noqa: N818 - as the service calls it
    """The transaction is undone, and this is answered."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer: Answer = (status, {"message": message})


class UsualService:
    """The ASGI application."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._local = threading.local()
        is_sqlite = isinstance(database, SQLiteDatabase)
        self._dialect = SQLITE if is_sqlite else POSTGRESQL
        # SQLite has one writer at a time. Waiting for it here instead of by SQLite's own sleeps gives the
        # same throughput, and a better 99th percentile.
        self._turn: contextlib.AbstractContextManager[object] = (
            threading.Lock() if is_sqlite else contextlib.nullcontext()
        )
        self._threads = ThreadPoolExecutor(self._dialect.threads)

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answers one call."""
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        token = dict(scope["headers"]).get(b"x-auth-token", b"").decode("latin-1")
        status, document = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._answer, scope["method"], scope["path"], token, body
        )
        content = msgspec.json.encode(document)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, method: str, path: str, token: str, body: bytes) -> Answer:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._database.connect()
        row = connection.execute(FIND_COMPONENT, (token_hash(token),)).fetchone()
        if row is None:
            return 401, {"message": "The token is not known."}
        component: int = row[0]
        if method == "GET":
            return 200, _quotas(connection)
        try:
            if path == ISSUE_PATH:
                issue = msgspec.json.decode(body, type=IssueBody)
                with self._turn, _transaction(connection, self._dialect):
                    return 201, {"serial": _issue(connection, self._dialect, component, issue)}
            serial = int(path.removeprefix(ISSUE_PATH + "/").removesuffix("/action"))
            if "accept" not in msgspec.json.decode(body, type=dict[str, Any]):
                return 400, {"message": "Only accept is understood."}
            with self._turn, _transaction(connection, self._dialect):
                _accept(connection, self._dialect, component, serial)
        except Refused as refused:
            return refused.answer
        except (msgspec.MsgspecError, ValueError) as error:
            return 400, {"message": str(error)}
        return 200, None


@contextlib.contextmanager
def _transaction(connection: Connection, dialect: Dialect) -> Iterator[None]:
    connection.execute(dialect.begin)
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _issue(connection: Connection, dialect: Dialect, component: int, body: IssueBody) -> int:
    charged = []
    # All lock in the same order, so that none wait for each other.
    for provision in sorted(body.provisions, key=lambda p: (p.holder, p.source or "", p.resource)):
        row = connection.execute(
            FIND_HOLDING + dialect.lock, (provision.holder, provision.source or "", provision.resource)
        ).fetchone()
        if row is None:
            raise Refused(404, "There is no such holding.")
        holding, limit, usage_min, usage_max = row
        quantity = provision.quantity
        if quantity >= 0:
            usage_max += quantity
            if usage_max > limit:
                raise Refused(413, "The limit does not leave room.")
        else:
            usage_min += quantity
            if usage_min < 0:
                raise Refused(413, "More would be released than is in use.")
        connection.execute(SET_USAGE, (usage_min, usage_max, holding))
        charged.append((holding, quantity))
    serial = int(connection.execute(dialect.next_serial).fetchone()[0])
    connection.execute(INSERT_PENDING, (component, serial, body.name, _now(), None, _document(charged)))
    return serial


def _accept(connection: Connection, dialect: Dialect, component: int, serial: int) -> None:
    row = connection.execute(FIND_PENDING + dialect.lock, (component, serial)).fetchone()
    if row is None:
        raise Refused(404, "This is no pending commission of yours.")
    settled = []
    holders = set()
    # They stand in the order in which they were locked when it was issued.
    for holding, quantity in msgspec.json.decode(row[0], type=list[tuple[int, int]]):
        found = connection.execute(FIND_HOLDING_BY_ID + dialect.lock, (holding,)).fetchone()
        holder, source, limit, usage_min, usage_max = found
        least = usage_min + quantity if quantity >= 0 else usage_min
        most = usage_max + quantity if quantity < 0 else usage_max
        connection.execute(SET_USAGE, (least, most, holding))
        settled.append((holding, quantity, quantity, limit, least, most))
        if source:
            holders.add(holder)
    connection.execute(MOVE_TO_RESOLVED, (_now(), "ACCEPT", _document(settled), component, serial))
    connection.execute(DELETE_PENDING, (component, serial))
    for holder in holders:
        connection.execute(INSERT_HOLDER, (holder, serial, component))


def _now() -> int:
    return time.time_ns() // 1000


def _document(provisions: Sequence[tuple[int, ...]]) -> str:
    return msgspec.json.encode(provisions).decode()


def _quotas(connection: Connection) -> dict[str, Any]:
    """As `service_quotas` answers, for the check at the end."""
    users: dict[str, Any] = {}
    for holder, source, resource, *figures in connection.execute(LIST_QUOTAS):
        limit, usage_min, usage_max, project_limit, project_min, project_max = figures
        projects = users.setdefault(holder.removeprefix("user:"), {})
        projects.setdefault(source.removeprefix("project:"), {})[resource] = {
            "limit": limit,
            "usage": usage_max,
            "pending": usage_max - usage_min,
            "project_limit": project_limit,
            "project_usage": project_max,
            "project_pending": project_max - project_min,
        }
    return users


def main() -> None:
    """Serve a database that has been made before, until SIGTERM."""
    database = database_of(sys.argv[1])
    database.open(create=False)
    listener = listen(HOST, 0)
    config = uvicorn.Config(
        UsualService(database),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    # uvicorn raises again what it was ended by; having been told to end is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    sys.stdout.write(f"ready at http://{HOST}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
