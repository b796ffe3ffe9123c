"""Hosts on one machine: a network namespace for each, on one bridge, whose packets can be dropped.

It needs a network namespace and a mount namespace of its own (`isolation.py`). The caller is one more host.
"""

import subprocess
from collections.abc import Iterable
from pathlib import Path

NETWORK = "10.77.0.0/24"
HOSTS = {
    name: f"10.77.0.{number}"
    for number, name in enumerate(("db1", "db2", "db3", "app1", "app2", "lb", "client"), 11)
}
CLIENT = "client"
BRIDGE = "switch"


def run(*command: str) -> None:
    """Runs a command that has to succeed.

    Raises:
        AssertionError: it failed; with what it said.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


def make_network(names_file: Path) -> None:
    """Makes all hosts, with their names in a file that stands in for /etc/hosts.

    Args:
        names_file: where to write the names.
    """
    names = [f"{address} {name}\n" for name, address in HOSTS.items()]
    names_file.write_text("127.0.0.1 localhost\n" + "".join(names))
    run("mount", "--bind", str(names_file), "/etc/hosts")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", f"{HOSTS[CLIENT]}/24", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")
    for name, address in HOSTS.items():
        if name == CLIENT:
            continue
        run("ip", "netns", "add", name)
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", name, "master", BRIDGE, "up")
        for command in (f"address add {address}/24 dev eth0", "link set eth0 up", "link set lo up"):
            run("ip", "-netns", name, *command.split())


def on_host(name: str, command: Iterable[str]) -> list[str]:
    """A command as it runs on a host."""
    return list(command) if name == CLIENT else ["ip", "netns", "exec", name, *command]


def processes_of(name: str) -> list[int]:
    """The processes of a host."""
    found = subprocess.run(
        ["ip", "netns", "pids", name], capture_output=True, text=True, check=True, timeout=30
    )
    return [int(process) for process in found.stdout.split()]


def sever(name: str, others: Iterable[str]) -> None:
    """Drops all packets between a host and others, without a word to either."""
    for other in others:
        for here, there in ((name, other), (other, name)):
            run(*on_host(here, ["iptables", "-w", "-A", "INPUT", "-s", HOSTS[there], "-j", "DROP"]))


def heal() -> None:
    """Lets all packets through again."""
    for name in HOSTS:
        if name != CLIENT:
            run(*on_host(name, ["iptables", "-w", "-F", "INPUT"]))
