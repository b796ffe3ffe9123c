"""The image by itself, on SQLite, shut in as the compose file shuts it in."""

import json
import signal
import time
import urllib.error
import urllib.request
from typing import Any

from containers.options import of_the_composed_service
from containers.podman import Podman, say, wait_until

ADDRESS = "http://127.0.0.1:8000"
TO_START_SECONDS = 120
GRACE_SECONDS = 60
NAME = "alone"
COMPILERS = ("gcc", "cc", "make")
TO_WORKERS = (
    "for process in /proc/[0-9]*; do"
    ' if grep -q processes[.]worker $process/cmdline; then kill -{signal} "${{process#/proc/}}"; fi; done'
)


def tell(podman: Podman) -> None:
    """Everything that can happen to one container."""
    _look_at_the_image(podman)
    shut_in = ["--network=host", *of_the_composed_service()]
    podman("run", "--detach", "--name", NAME, *shut_in, "--volume=data:/var/lib/astakos", "astakos")
    await_readiness()
    user, token = add_user(podman, NAME)
    assert who_has(token) == user
    podman("exec", NAME, "astakos", "doctor")
    say("starts on an empty volume, knows a user by the token, and astakos doctor finds nothing")
    _check_health(podman)
    _end_and_start_again(podman, user, token)
    _start_where_it_cannot_write(podman, shut_in)
    podman("rm", "--force", NAME)


def await_readiness(address: str = ADDRESS) -> None:
    """Waits until a service can do its work."""
    wait_until(f"{address} is not ready", lambda: status_of(f"{address}/readyz") == 200, TO_START_SECONDS)


def status_of(url: str) -> int:
    """The status of an answer; 0 if there is none."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: int = answer.status
            return found
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def add_user(podman: Podman, name: str) -> tuple[str, str]:
    """Adds a user with the command in a container; returns their UUID and their token."""
    added = json.loads(podman("exec", name, "astakos", "user", "add", "ada@example.org", "--json"))
    return added["uuid"], added["token"]


def who_has(token: str, address: str = ADDRESS) -> str:
    """The UUID of the user to whom a token belongs."""
    body = json.dumps({"auth": {"token": {"id": token}}}).encode()
    asked = urllib.request.Request(
        f"{address}/identity/v2.0/tokens", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=20) as answer:
        document: Any = json.load(answer)
    user: str = document["access"]["user"]["id"]
    return user


def _look_at_the_image(podman: Podman) -> None:
    (image,) = json.loads(podman("image", "inspect", "astakos"))
    assert image["Config"]["User"] == "10001:10001"
    assert image["Healthcheck"]["Test"][0] == "CMD"
    alone = ("run", "--rm", "--network=none", "--entrypoint=which", "astakos")
    found = podman.tried(*alone, "python", *COMPILERS)
    assert found.stdout.split() == ["/opt/astakos/bin/python"], found.stdout
    say(f"the image has {image['Size'] >> 20} MiB, a health check, and no compiler")


def _check_health(podman: Podman) -> None:
    assert podman.tried("healthcheck", "run", NAME).returncode == 0
    podman("exec", NAME, "sh", "-c", TO_WORKERS.format(signal="STOP"))
    assert podman.tried("healthcheck", "run", NAME).returncode != 0
    podman("exec", NAME, "sh", "-c", TO_WORKERS.format(signal="CONT"))
    assert podman.tried("healthcheck", "run", NAME).returncode == 0
    say("its health check says whether it answers")


def _end_and_start_again(podman: Podman, user: str, token: str) -> None:
    began = time.monotonic()
    podman("stop", "--time", str(GRACE_SECONDS), NAME)
    assert podman.status_of(NAME) == 0
    assert time.monotonic() - began < GRACE_SECONDS
    podman("start", NAME)
    await_readiness()
    podman("kill", "--signal", "KILL", NAME)
    assert podman.status_of(NAME) == 128 + signal.SIGKILL
    podman("start", NAME)
    await_readiness()
    assert who_has(token) == user
    podman("stop", "--time", str(GRACE_SECONDS), NAME)
    say("ends in order after SIGTERM, and has its data after that and after SIGKILL")


def _start_where_it_cannot_write(podman: Podman, shut_in: list[str]) -> None:
    volume = "--volume=/usr/share:/var/lib/astakos:ro"
    done = podman.tried("run", "--rm", *shut_in, volume, "astakos")
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("Error: /var/lib/astakos/astakos.db cannot be opened: ")
    say(f"refuses a volume that it cannot write: {line}")
