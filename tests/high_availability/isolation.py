"""Runs a module in namespaces of its own, so that nothing it starts, mounts or sends stays or gets out."""

import os
import shutil
import sys

MARK = "ASTAKOS_HIGH_AVAILABILITY_ISOLATED"
NAMESPACES = ("--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
PREPARATIONS = "mount -t tmpfs -o mode=755 tmpfs /run && mount -t tmpfs -o mode=1777 tmpfs /dev/shm"


def isolate(module: str, arguments: list[str]) -> None:
    """Becomes a process that runs a module in new namespaces; returns in that one.

    Raises:
        SystemExit: this cannot be done here; with the reason.
    """
    if MARK in os.environ:
        return
    if os.geteuid() != 0:
        raise SystemExit("Run this as root: it makes network namespaces, and hosts out of them.")
    for program in ("unshare", "ip", "iptables"):
        if shutil.which(program) is None:
            raise SystemExit(f"There is no {program}: `make test-high-availability` installs it on Debian.")
    # A shell stays as the first process, because that one has to wait for all that are orphaned.
    script = f'{PREPARATIONS} && "$@"; exit $?'
    python = [sys.executable, "-m", module, *arguments]
    os.environ[MARK] = "1"
    os.execvp("unshare", ["unshare", *NAMESPACES, "sh", "-c", script, "sh", *python])
