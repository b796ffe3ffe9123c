"""The usual design of a quota service: each call is a transaction of its own, made durable by its own commit.

For comparison only. It answers as much of the API as the comparison needs, on the same tables with the same
settings, and with the same server, event loop, HTTP parser and JSON library as `astakos serve`. There is no
framework and no ORM, which would only make it slower; what differs is the design: work goes to a pool of
threads, each with a connection, holdings are read and written row by row, and every call commits.
"""

import asyncio
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from astakos.directory.tokens import token_hash
from astakos.http.listening import listen
from astakos.storage.sqlite import SQLiteDatabase, writing
from benchmarks.child_process import HOST
from benchmarks.population import database_url
from benchmarks.wire import ISSUE_PATH

Message = MutableMapping[str, Any]
Answer = tuple[int, Any]

FIND_COMPONENT = "SELECT id FROM components WHERE token_hash = ?"
FIND_HOLDING = """
SELECT id, "limit", usage_min, usage_max FROM holdings WHERE holder = ? AND source = ? AND resource = ?
"""
FIND_PENDING = "SELECT 1 FROM commissions WHERE serial = ? AND component_id = ? AND verdict IS NULL"
FIND_PROVISIONS = """
SELECT p.quantity, h.id, h."limit", h.usage_min, h.usage_max
FROM provisions p JOIN holdings h ON h.id = p.holding_id WHERE p.serial = ?
"""
INSERT_COMMISSION = """
INSERT INTO commissions (component_id, name, issue_time) VALUES (?, ?, ?) RETURNING serial
"""
INSERT_PROVISION = "INSERT INTO provisions (serial, holding_id, quantity) VALUES (?, ?, ?)"
RESOLVE_COMMISSION = "UPDATE commissions SET verdict = 'ACCEPT', resolve_time = ? WHERE serial = ?"
RESOLVE_PROVISION = """
UPDATE provisions SET "limit" = ?, usage_min = ?, usage_max = ? WHERE serial = ? AND holding_id = ?
"""
SET_USAGE = "UPDATE holdings SET usage_min = ?, usage_max = ? WHERE id = ?"
LIST_QUOTAS = """
SELECT h.holder, h.source, h.resource, h."limit", h.usage_min, h.usage_max,
       p."limit", p.usage_min, p.usage_max
FROM holdings h JOIN holdings p ON p.holder = h.source AND p.source = '' AND p.resource = h.resource
"""


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

    def __init__(self, database: SQLiteDatabase) -> None:
        self._database = database
        self._local = threading.local()
        # SQLite has one writer at a time. Waiting for it here instead of by SQLite's own sleeps gives the
        # same throughput, and a better 99th percentile.
        self._turn = threading.Lock()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one call."""
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        token = dict(scope["headers"]).get(b"x-auth-token", b"").decode("latin-1")
        status, document = await asyncio.to_thread(self._answer, scope["method"], scope["path"], token, body)
        content = msgspec.json.encode(document)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, method: str, path: str, token: str, body: bytes) -> Answer:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
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
                with self._turn, writing(connection):
                    return 201, {"serial": _issue(connection, component, issue)}
            serial = int(path.removeprefix(ISSUE_PATH + "/").removesuffix("/action"))
            if "accept" not in msgspec.json.decode(body, type=dict[str, Any]):
                return 400, {"message": "Only accept is understood."}
            with self._turn, writing(connection):
                _accept(connection, component, serial)
        except Refused as refused:
            return refused.answer
        except (msgspec.MsgspecError, ValueError) as error:
            return 400, {"message": str(error)}
        return 200, None


def _issue(connection: sqlite3.Connection, component: int, body: IssueBody) -> int:
    (serial,) = connection.execute(
        INSERT_COMMISSION, (component, body.name, time.time_ns() // 1000)
    ).fetchone()
    for provision in body.provisions:
        row = connection.execute(
            FIND_HOLDING, (provision.holder, provision.source or "", provision.resource)
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
        connection.execute(INSERT_PROVISION, (serial, holding, quantity))
    return int(serial)


def _accept(connection: sqlite3.Connection, component: int, serial: int) -> None:
    if connection.execute(FIND_PENDING, (serial, component)).fetchone() is None:
        raise Refused(404, "This is no pending commission of yours.")
    for quantity, holding, limit, usage_min, usage_max in connection.execute(
        FIND_PROVISIONS, (serial,)
    ).fetchall():
        least = usage_min + quantity if quantity >= 0 else usage_min
        most = usage_max + quantity if quantity < 0 else usage_max
        connection.execute(SET_USAGE, (least, most, holding))
        connection.execute(RESOLVE_PROVISION, (limit, least, most, serial, holding))
    connection.execute(RESOLVE_COMMISSION, (time.time_ns() // 1000, serial))


def _quotas(connection: sqlite3.Connection) -> dict[str, Any]:
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
    database = SQLiteDatabase(database_url(Path(sys.argv[1])))
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
