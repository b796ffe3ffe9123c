"""What the compose file and the manifests say of a container, as options of `podman run`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def of_the_composed_service() -> list[str]:
    """How the compose file shuts the service in."""
    document = yaml.safe_load(ROOT.joinpath("deploy/compose.yaml").read_text(encoding="utf-8"))
    service = document["services"]["astakos"]
    assert service["read_only"] is True
    return [
        "--read-only",
        f"--pids-limit={service['pids_limit']}",
        *(f"--tmpfs={path}" for path in service["tmpfs"]),
        *(f"--cap-drop={name}" for name in service["cap_drop"]),
        *(f"--security-opt={option.replace(':true', '')}" for option in service["security_opt"]),
    ]


def of_a_pod(
    pod: Mapping[str, Any], container: Mapping[str, Any], variables: Mapping[str, str], secrets: Path
) -> list[str]:
    """How Kubernetes would run a container, up to the name of the image.

    Args:
        pod: the specification of its pod.
        container: its own.
        variables: what the config map and the secrets set.
        secrets: the folder with the secrets that are mounted, each in a folder of its name.
    """
    return [
        *_rights(pod["securityContext"], container["securityContext"]),
        f"--memory={container['resources']['limits']['memory'].replace('Mi', 'm')}",
        *(f"--env={name}={value}" for name, value in variables.items()),
        *_mounts(pod, container, secrets),
        *([f"--entrypoint={container['command'][0]}"] if "command" in container else ()),
    ]


def arguments_of(container: Mapping[str, Any]) -> list[str]:
    """What follows the name of the image."""
    command: list[str] = container.get("command", [])
    arguments: list[str] = container.get("args", [])
    return [*command[1:], *arguments]


def _rights(pod: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[str]:
    yield f"--user={pod['runAsUser']}:{pod['runAsGroup']}"
    if container["readOnlyRootFilesystem"]:
        # Without folders that Podman makes writable by itself.
        yield from ("--read-only", "--read-only-tmpfs=false")
    if not container["allowPrivilegeEscalation"]:
        yield "--security-opt=no-new-privileges"
    for name in container["capabilities"]["drop"]:
        yield f"--cap-drop={name}"


def _mounts(pod: Mapping[str, Any], container: Mapping[str, Any], secrets: Path) -> Iterator[str]:
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in container["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "emptyDir" in volume:
            yield f"--tmpfs={mount['mountPath']}:size={volume['emptyDir']['sizeLimit'].replace('Mi', 'm')}"
        else:
            yield f"--volume={secrets / volume['secret']['secretName']}:{mount['mountPath']}:ro"
