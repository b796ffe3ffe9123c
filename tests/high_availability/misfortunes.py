"""What happens to the installation, one thing after the other, and how it is brought back."""

import signal
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from high_availability import network
from high_availability.installation import DATABASE_HOSTS, Installation
from high_availability.parts import Part, send, wait_until

TO_RESTART_SECONDS = 1.0
"""As systemd waits, with RestartSec=1."""
LASTING_SECONDS = 5.0
TO_FAIL_OVER_SECONDS = 60.0


class Misfortune(NamedTuple):
    """Something that fails.

    Attributes:
        name: what it is called on the command line.
        told: what it is, for the table.
        happen: lets it happen and brings everything back; returns what else there is to say.
    """

    name: str
    told: str
    happen: Callable[[Installation], str]


def _restarted(part: Part) -> None:
    part.kill()
    time.sleep(TO_RESTART_SECONDS)
    part.start()


def _away_for_a_while(part: Part) -> None:
    part.kill()
    time.sleep(LASTING_SECONDS)
    part.start()


def lose_haproxy(installation: Installation) -> str:
    """Kills HAProxy; systemd starts it again. A second one with the same address is beyond one machine."""
    _restarted(installation.haproxy)
    return f"started again after {TO_RESTART_SECONDS:.0f} s"


def lose_service(installation: Installation) -> str:
    """Kills one of the two services."""
    _away_for_a_while(installation.astakos["app1"])
    return ""


def lose_pooler(installation: Installation) -> str:
    """Kills the pooler of one of the two services."""
    _away_for_a_while(installation.pgbouncer["app1"])
    return ""


def lose_etcd_member(installation: Installation) -> str:
    """Kills the leader among the members of etcd."""
    _away_for_a_while(installation.etcd[installation.etcd_leader()])
    return ""


def lose_etcd(installation: Installation) -> str:
    """Kills two of three members, so that nobody can be elected, for longer than the primary's lock lasts."""
    primary = _primary_of(installation)
    lost = [host for host in DATABASE_HOSTS if host != primary]
    for host in lost:
        installation.etcd[host].kill()
    time.sleep(30)
    stayed = installation.is_primary(primary)
    for host in lost:
        installation.etcd[host].start()
    assert stayed, "the primary stepped down although it reached all members"
    return "for 30 s; the primary stays"


def lose_standby(installation: Installation) -> str:
    """Kills one of the two standbys."""
    (host, _) = _standbys_of(installation)
    installation.kill_database(host)
    time.sleep(LASTING_SECONDS)
    installation.start_host(host)
    return ""


def lose_standbys(installation: Installation) -> str:
    """Kills both standbys."""
    hosts = _standbys_of(installation)
    for host in hosts:
        installation.kill_database(host)
    time.sleep(20)
    for host in hosts:
        installation.start_host(host)
    return "for 20 s; the primary goes on alone"


def crash_primary(installation: Installation) -> str:
    """Kills PostgreSQL on the primary, but not Patroni, which starts it again."""
    primary = _primary_of(installation)
    spared = {*installation.etcd[primary].processes(), *installation.patroni[primary].processes()}
    send(signal.SIGKILL, [process for process in network.processes_of(primary) if process not in spared])
    time.sleep(LASTING_SECONDS)
    wait_until("there is no primary", installation.primary, TO_FAIL_OVER_SECONDS)
    return "started again" if installation.primary() == primary else "another one promoted"


def lose_primary(installation: Installation) -> str:
    """Kills all that runs on the primary's host, with its member of etcd."""
    primary = _primary_of(installation)
    installation.kill_host(primary)
    promoted = _promoted_after(installation, primary)
    installation.start_host(primary)
    return promoted


def freeze_patroni(installation: Installation) -> str:
    """Patroni hangs on the primary, whose PostgreSQL runs on, and nobody is there to stop it."""
    primary = _primary_of(installation)
    frozen = installation.patroni[primary].processes()
    frozen = [process for process in frozen if process in network.processes_of(primary)]
    send(signal.SIGSTOP, frozen)
    promoted = _promoted_after(installation, primary)
    time.sleep(LASTING_SECONDS)
    send(signal.SIGCONT, frozen)
    return promoted


def cut_off_primary(installation: Installation) -> str:
    """Cuts the primary off from etcd and its standbys, but not from its clients."""
    primary = _primary_of(installation)
    began = time.monotonic()
    network.sever(primary, _others(primary))
    wait_until("it has not stepped down", lambda: not installation.is_primary(primary), TO_FAIL_OVER_SECONDS)
    stepped_down = time.monotonic() - began
    _promoted_after(installation, primary)
    promoted = time.monotonic() - began
    time.sleep(LASTING_SECONDS)
    network.heal()
    return f"steps down after {stepped_down:.0f} s, another one promoted after {promoted:.0f} s"


def switch_over(installation: Installation) -> str:
    """Moves the primary on purpose, as for an update."""
    primary = _primary_of(installation)
    installation.patronictl("switchover", "--leader", primary, "--force")
    return _promoted_after(installation, primary)


def _promoted_after(installation: Installation, lost: str) -> str:
    """Waits until another one is the primary."""
    began = time.monotonic()

    def is_another() -> bool:
        return any(installation.is_primary(host) for host in _others(lost))

    wait_until("nobody was promoted", is_another, TO_FAIL_OVER_SECONDS)
    return f"another one promoted after {time.monotonic() - began:.0f} s"


def _primary_of(installation: Installation) -> str:
    primary = installation.primary()
    assert primary is not None
    return primary


def _standbys_of(installation: Installation) -> Sequence[str]:
    return _others(_primary_of(installation))


def _others(host: str) -> Sequence[str]:
    return [other for other in DATABASE_HOSTS if other != host]


MISFORTUNES = (
    Misfortune("haproxy", "HAProxy is killed", lose_haproxy),
    Misfortune("service", "one of two services is killed", lose_service),
    Misfortune("pooler", "one of two PgBouncers is killed", lose_pooler),
    Misfortune("etcd-member", "the leader of etcd is killed", lose_etcd_member),
    Misfortune("standby", "one of two standbys is killed", lose_standby),
    Misfortune("switchover", "the primary is moved on purpose", switch_over),
    Misfortune("crash", "the primary's PostgreSQL is killed", crash_primary),
    Misfortune("primary", "the primary's host is lost", lose_primary),
    Misfortune("partition", "the primary is cut off from etcd and its standbys", cut_off_primary),
    Misfortune("patroni", "Patroni hangs on the primary", freeze_patroni),
    Misfortune("standbys", "both standbys are killed", lose_standbys),
    Misfortune("etcd", "two of three members of etcd are killed", lose_etcd),
)
