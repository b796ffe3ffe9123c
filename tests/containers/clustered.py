"""The image as the manifests run it: a job that migrates, pods that wait for it, two on one PostgreSQL."""

import os
from pathlib import Path

from tools.postgres_server import LOOPBACK

from containers.alone import ADDRESS, add_user, await_readiness, status_of, who_has
from containers.options import arguments_of, of_a_pod
from containers.podman import Podman, say
from deploy.manifests import BASE, EXAMPLE, Manifest, built, find, variables

DATABASE = f"postgresql://postgres@{LOOPBACK}/postgres"
KEY = "a key for the webhooks of a test\n"
TO_END_SECONDS = 60


def tell(podman: Podman, folder: Path) -> None:
    """Migrates, waits, serves twice, and loses one of them."""
    found = built(EXAMPLE)
    secrets = _secrets(folder, found)
    told = variables(BASE) | variables(EXAMPLE) | {"ASTAKOS_DATABASE": DATABASE, "ASTAKOS_BASE_URL": ADDRESS}

    def run(name: str, pod: Manifest, container: Manifest, *more: str, wait: bool) -> None:
        options = [*of_a_pod(pod, container, told, secrets), "--network=host", "--name", name]
        podman("run", "--detach", *options, "astakos", *arguments_of(container), *more)
        if wait:
            assert podman.status_of(name) == 0, podman("logs", name)

    deployment = find(found, "Deployment")["spec"]["template"]["spec"]
    job = find(found, "Job", "astakos-migrate")["spec"]["template"]["spec"]
    (waiting,), (serving,), (migrating,) = (
        deployment["initContainers"],
        deployment["containers"],
        job["containers"],
    )
    run("waiting", deployment, waiting, wait=False)
    assert podman("inspect", "--format={{.State.Status}}", "waiting") == "running"
    run("migrating", job, migrating, wait=True)
    assert podman.status_of("waiting") == 0
    say("a pod waits until the job has migrated the database")

    run("one", deployment, serving, wait=False)
    run("two", deployment, serving, "--port=8001", "--metrics-port=9465", wait=False)
    addresses = [f"http://{LOOPBACK}:{port}" for port in (8000, 8001)]
    for address in addresses:
        await_readiness(address)
    _probe(serving)
    user, token = add_user(podman, "one")
    assert [who_has(token, address) for address in addresses] == [user] * 2
    podman("exec", "two", "astakos", "doctor")
    say("two pods with two workers each serve one database, and answer their probes")

    grace = deployment["terminationGracePeriodSeconds"]
    podman("stop", "--time", str(grace), "one")
    assert podman.status_of("one") == 0
    assert who_has(token, addresses[1]) == user
    say("one ends in order within its grace, while the other serves")


def _probe(container: Manifest) -> None:
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container[kind]["httpGet"]
        assert status_of(f"http://{LOOPBACK}:{ports[asked['port']]}{asked['path']}") == 200
    assert status_of(f"http://{LOOPBACK}:{ports['metrics']}/metrics") == 200


def _secrets(folder: Path, found: list[Manifest]) -> Path:
    """Writes the secrets that are mounted, with the rights that Kubernetes gives them."""
    pod = find(found, "Deployment")["spec"]["template"]["spec"]
    (secret,) = (volume["secret"] for volume in pod["volumes"] if "secret" in volume)
    place = folder / "secrets" / secret["secretName"]
    place.mkdir(parents=True)
    file = place / "webhook-key"
    file.write_text(KEY)
    os.chown(file, 0, pod["securityContext"]["fsGroup"])
    file.chmod(secret["defaultMode"])
    return folder / "secrets"
