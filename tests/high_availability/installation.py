"""The installation that the files in deploy/high-availability describe, on the hosts of `network.py`."""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from tools.postgres_server import PostgresServer

from high_availability import network
from high_availability.parts import DAEMON, Part, kill, wait_until

FILES = Path(__file__).parents[2] / "deploy" / "high-availability"
DATABASE_HOSTS = ("db1", "db2", "db3")
SERVICE_HOSTS = ("app1", "app2")
SERVICE_URL = "http://lb:8000"
TO_START_SECONDS = 60.0
TO_BE_HEALTHY_SECONDS = 90.0
TO_ANSWER_SECONDS = 2.0
PATRONI_PORT, SERVICE_PORT = 8008, 8000


class Installation:
    """All parts, by what they are and where they run.

    Attributes:
        etcd: by host.
        patroni: by host; each starts PostgreSQL by itself.
        pgbouncer: by host.
        astakos: by host.
        haproxy: the one.
        passwords: by whose they are, as the files name them.
    """

    def __init__(self, folder: Path, patroni: Path) -> None:
        """Writes all files.

        Args:
            folder: where everything is stored.
            patroni: the program.
        """
        self._folder = folder
        self._patronictl = patroni.with_name("patronictl")
        self.passwords = {
            f"{whose}_password": secrets.token_hex(16)
            for whose in ("superuser", "replication", "rewind", "database")
        }
        self._programs = _programs_of_postgresql(folder)
        self.etcd = {host: self._etcd(host) for host in DATABASE_HOSTS}
        self.patroni = {host: self._patroni(host, patroni) for host in DATABASE_HOSTS}
        self.pgbouncer = {host: self._pgbouncer(host) for host in SERVICE_HOSTS}
        self.astakos = {host: self._astakos(host) for host in SERVICE_HOSTS}
        self.haproxy = self._haproxy()

    def url(self, name: str = "astakos", hosts: str = ",".join(DATABASE_HOSTS)) -> str:
        """A database as its superuser, without anything in between unless a host says otherwise."""
        password = self.passwords["superuser_password"]
        return (
            f"postgresql://postgres:{password}@{hosts}/{name}"
            "?target_session_attrs=read-write&connect_timeout=3"
        )

    def start(self, document: Path) -> None:
        """Starts all parts, in the order in which an operator does, and loads a state document."""
        for part in self.etcd.values():
            part.start()
        # Before the databases: it takes servers for good until its first checks have failed.
        self.haproxy.start()
        for part in self.patroni.values():
            part.start()
        wait_until("there is no primary", self.primary, TO_START_SECONDS)
        wait_until("HAProxy does not lead to the primary", self._leads_to_primary, TO_START_SECONDS)
        self._make_database()
        self.command("load", str(document))
        for host in SERVICE_HOSTS:
            self.pgbouncer[host].start()
            self.astakos[host].start()
        self.await_health()

    def stop(self) -> None:
        """Stops all parts that run."""
        for part in [*self.astakos.values(), *self.pgbouncer.values(), self.haproxy]:
            part.stop()
        for host in DATABASE_HOSTS:
            kill(network.processes_of(host))

    def command(self, *arguments: str) -> str:
        """What a command of `astakos` prints, beside the service; it reaches the primary through HAProxy.

        Raises:
            AssertionError: it failed.
        """
        done = subprocess.run(
            [sys.executable, "-m", "astakos", *arguments],
            env={
                **os.environ,
                "ASTAKOS_DATABASE": "postgresql://astakos@lb:5432/astakos",
                "PGPASSWORD": self.passwords["database_password"],
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"astakos {arguments[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    def patronictl(self, *arguments: str) -> None:
        """Runs Patroni's own command; it asks nothing."""
        program = str(self._patronictl)
        configuration = str(self._folder_of("db1") / "patroni.yaml")
        network.run(program, "--config-file", configuration, arguments[0], "astakos", *arguments[1:])

    def primary(self) -> str | None:
        """The host that Patroni calls the primary now, if there is one."""
        return next((host for host in DATABASE_HOSTS if self.is_primary(host)), None)

    def is_primary(self, host: str) -> bool:
        """Whether Patroni calls that host the primary."""
        return asked(host, PATRONI_PORT, "/primary")[0] == http.client.OK

    def etcd_leader(self) -> str:
        """The host of the leader among the members of etcd."""
        for host in DATABASE_HOSTS:
            done = subprocess.run(
                ["etcdctl", "--endpoints", f"http://{host}:2379", "endpoint", "status", "--write-out=json"],
                env={**os.environ, "ETCDCTL_API": "3"},
                capture_output=True,
                check=True,
                timeout=10,
            )
            status = json.loads(done.stdout)[0]["Status"]
            if status["leader"] == status["header"]["member_id"]:
                return host
        raise AssertionError("etcd has no leader")

    def kill_database(self, host: str) -> None:
        """Kills Patroni and PostgreSQL on a host, but not etcd."""
        spared = set(self.etcd[host].processes())
        kill([process for process in network.processes_of(host) if process not in spared])

    def kill_host(self, host: str) -> None:
        """Kills all that runs on a host."""
        kill(network.processes_of(host))

    def start_host(self, host: str) -> None:
        """Starts what runs on a host of the database, as far as it does not."""
        for part in (self.etcd[host], self.patroni[host]):
            if not part.is_running:
                part.start()

    def await_health(self) -> None:
        """Waits until everything works: a primary, two standbys that follow it, two services."""
        wait_until("the database is not whole", self._is_database_whole, TO_BE_HEALTHY_SECONDS)
        for host in SERVICE_HOSTS:
            wait_until(f"{host} is not ready", lambda host=host: _is_ready(host), TO_BE_HEALTHY_SECONDS)
        wait_until("the service is not ready", lambda: _is_ready("lb"), TO_BE_HEALTHY_SECONDS)

    def _is_database_whole(self) -> bool:
        primary = self.primary()
        if primary is None:
            return False
        members = json.loads(asked(primary, PATRONI_PORT, "/cluster")[1])["members"]
        roles = sorted(member["role"] for member in members)
        standbys = [member for member in members if member["role"] != "leader"]
        return (
            roles == ["leader", "quorum_standby", "quorum_standby"]
            and all(member["state"] == "streaming" for member in standbys)
            and self._waits_for_standbys(primary)
        )

    def _waits_for_standbys(self, primary: str) -> bool:
        """Whether the primary waits for any of two standbys by now; what Patroni tells is some seconds old.

        After a crash it goes on alone until they follow it again, and nobody could be promoted in its place.
        """
        try:
            with psycopg.connect(self.url("postgres", primary)) as connection:
                found = connection.execute(
                    "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'"
                ).fetchall()
        except psycopg.OperationalError:
            return False
        return found == [("quorum",), ("quorum",)]

    def _leads_to_primary(self) -> bool:
        try:
            with psycopg.connect(self.url("postgres", "lb")) as connection:
                row = connection.execute("SELECT NOT pg_is_in_recovery()").fetchone()
        except psycopg.OperationalError:
            return False
        return bool(row and row[0])

    def _make_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE TABLE marks (host text, number bigint)")
        statements = self._write("database.sql", "db1")
        network.run(
            str(self._programs / "psql"),
            "--set=ON_ERROR_STOP=1",
            f"--file={statements}",
            self.url("postgres"),
        )

    def _filled(self, name: str, host: str) -> str:
        """One of the files, with values in place of its placeholders."""
        return string.Template((FILES / name).read_text(encoding="utf-8")).substitute(
            host=host,
            folder=self._folder_of(host),
            programs=self._programs,
            network=network.NETWORK,
            **self.passwords,
        )

    def _folder_of(self, host: str) -> Path:
        folder = self._folder / host
        if not folder.exists():
            folder.mkdir(mode=0o700)
            shutil.chown(folder, DAEMON)
        return folder

    def _write(self, name: str, host: str) -> Path:
        path = self._folder_of(host) / name
        path.write_text(self._filled(name, host), encoding="utf-8")
        path.chmod(0o600)
        shutil.chown(path, DAEMON)
        return path

    def _environment(self, name: str, host: str) -> dict[str, str]:
        lines = self._filled(name, host).splitlines()
        return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    def _etcd(self, host: str) -> Part:
        return Part("etcd", host, ["etcd"], self._folder_of(host), self._environment("etcd.env", host))

    def _patroni(self, host: str, program: Path) -> Part:
        command = [str(program), str(self._write("patroni.yaml", host))]
        return Part("patroni", host, command, self._folder_of(host), {})

    def _pgbouncer(self, host: str) -> Part:
        self._write("userlist.txt", host)
        command = ["pgbouncer", str(self._write("pgbouncer.ini", host))]
        return Part("pgbouncer", host, command, self._folder_of(host), {})

    def _astakos(self, host: str) -> Part:
        self._write("passwords", host)
        options = ["--host", "0.0.0.0", "--port", str(SERVICE_PORT)]
        command = [sys.executable, "-m", "astakos", "serve", *options]
        environment = {**self._environment("astakos.env", host), "PYTHONPATH": os.environ["PYTHONPATH"]}
        return Part("astakos", host, command, self._folder_of(host), environment)

    def _haproxy(self) -> Part:
        command = ["haproxy", "-db", "-f", str(self._write("haproxy.cfg", "lb"))]
        return Part("haproxy", "lb", command, self._folder_of("lb"), {})


def asked(host: str, port: int, path: str) -> tuple[int, str]:
    """The status and the text of an answer; 0 if there is none."""
    connection = http.client.HTTPConnection(host, port, timeout=TO_ANSWER_SECONDS)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""


def _is_ready(host: str) -> bool:
    return asked(host, SERVICE_PORT, "/readyz")[0] == http.client.OK


def _programs_of_postgresql(folder: Path) -> Path:
    """The folder of PostgreSQL's programs, from where its user can run them."""
    return PostgresServer(folder, {}).programs


@contextlib.contextmanager
def running_installation(
    folder: Path, patroni: Path, document: Any, logs: Path | None = None
) -> Iterator[Installation]:
    """An installation while the context lasts, with a state document loaded.

    Args:
        folder: where everything is stored.
        patroni: the program.
        document: the state document.
        logs: where to copy what all parts have said.
    """
    written = folder / "state.json"
    written.write_text(json.dumps(document), encoding="utf-8")
    network.make_network(folder / "hosts")
    installation = Installation(folder, patroni)
    try:
        installation.start(written)
        yield installation
    finally:
        installation.stop()
        if logs is not None:
            logs.mkdir(parents=True, exist_ok=True)
            for log in sorted(folder.glob("*/*.log")):
                shutil.copy(log, logs / f"{log.parent.name}-{log.name}")
