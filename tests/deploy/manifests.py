"""The manifests for Kubernetes: as they stand in the files, and as kustomize builds them."""

import functools
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
BASE = FOLDER / "base"
EXAMPLE = FOLDER / "overlays" / "example"
KUBECTL = Path(sysconfig.get_path("scripts")) / "kubectl"

Manifest = dict[str, Any]


def manifests(folder: Path) -> list[Manifest]:
    """What the files of a folder declare, without what kustomize makes of it."""
    return [
        document
        for file in sorted(folder.glob("*.yaml"))
        if file.name != "kustomization.yaml"
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    ]


def kustomization(folder: Path) -> Manifest:
    found: Manifest = yaml.safe_load(folder.joinpath("kustomization.yaml").read_text(encoding="utf-8"))
    return found


def variables(folder: Path) -> dict[str, str]:
    """The variables that a kustomization sets."""
    (made,) = kustomization(folder)["configMapGenerator"]
    return dict(literal.split("=", 1) for literal in made["literals"])


def find(found: list[Manifest], kind: str, name: str = "astakos") -> Manifest:
    (one,) = (one for one in found if one["kind"] == kind and one["metadata"]["name"] == name)
    return one


@functools.cache
def built(folder: Path) -> list[Manifest]:
    """What kustomize makes of a folder."""
    done = subprocess.run(
        [KUBECTL, "kustomize", folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return list(yaml.safe_load_all(done.stdout))


def pod_specs(found: list[Manifest]) -> Iterator[Manifest]:
    """The pods that deployments and jobs start."""
    for one in found:
        if one["kind"] in {"Deployment", "Job"}:
            yield one["spec"]["template"]["spec"]


def containers(found: list[Manifest]) -> Iterator[Manifest]:
    for pod in pod_specs(found):
        yield from (*pod.get("initContainers", ()), *pod["containers"])
