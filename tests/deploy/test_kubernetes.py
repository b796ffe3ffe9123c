"""The manifests for Kubernetes are valid, fit together and shut pods in; updates wait for migrations."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from astakos.cli.migrate_command import migrate as migrate_command
from astakos.cli.serve_command import serve
from astakos.directory.redirects import refuse_base_url
from astakos.directory.trusted_proxies import TrustedProxies
from astakos.processes.supervisor import longest_end
from astakos.server.limits import Limits
from astakos.storage.opening import database_of
from astakos.storage.protocol import Database
from astakos.storage.schema.migration import upgrade
from deploy.manifests import (
    BASE,
    EXAMPLE,
    Manifest,
    built,
    containers,
    find,
    kustomization,
    manifests,
    pod_specs,
    variables,
)
from service.command import EXECUTABLE, astakos, created, environment

PROMETHEUS = Path(__file__).parents[2] / "deploy" / "prometheus" / "prometheus-kubernetes.yaml"
VERSIONS = ("1.30", kubernetes_validate.latest_version())
"""The oldest and the newest Kubernetes with whose schemas manifests are compared."""
SECRETS = {
    "astakos-database": ["password"],
    "astakos-environment": [],
    "astakos-webhook-key": ["webhook-key"],
}
DEPLOYMENT = find(manifests(BASE), "Deployment")
JOB = find(manifests(BASE), "Job", "astakos-migrate")
(SERVING,) = DEPLOYMENT["spec"]["template"]["spec"]["containers"]
(WAITING,) = DEPLOYMENT["spec"]["template"]["spec"]["initContainers"]
(MIGRATING,) = JOB["spec"]["template"]["spec"]["containers"]
WAITS = 7


def validate(found: list[Manifest], version: str) -> None:
    for one in found:
        kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_accepts_the_files(version: str) -> None:
    validate(manifests(BASE), version)
    patches = {patch["path"] for patch in kustomization(EXAMPLE)["patches"]}
    assert {one["kind"] for one in manifests(EXAMPLE)} == {
        "Namespace",
        "Ingress",
        "NetworkPolicy",
        "Deployment",
    }
    validate([one for one in manifests(EXAMPLE) if one["kind"] in {"Namespace", "Ingress"}], version)
    assert all(EXAMPLE.joinpath(patch).is_file() for patch in patches)


def test_what_is_not_in_the_schemas_is_refused() -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        validate([DEPLOYMENT | {"spec": DEPLOYMENT["spec"] | {"replica": 2}}], VERSIONS[0])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", [BASE, EXAMPLE], ids=lambda folder: folder.name)
def test_kubernetes_accepts_what_kustomize_builds(folder: Path, version: str) -> None:
    validate(built(folder), version)


@pytest.mark.parametrize("folder", [BASE, EXAMPLE], ids=lambda folder: folder.name)
def test_kustomizations_name_all_files_and_no_others(folder: Path) -> None:
    found = kustomization(folder)
    named = {*found["resources"], *(patch["path"] for patch in found.get("patches", ()))}
    files = {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert named - {"../../base"} == files


def names_of_config(found: list[Manifest]) -> set[str]:
    return {
        source["configMapRef"]["name"]
        for container in containers(found)
        for source in container["envFrom"]
        if "configMapRef" in source
    }


def test_kustomize_puts_the_example_together() -> None:
    found = built(EXAMPLE)
    (config,) = (one for one in found if one["kind"] == "ConfigMap")
    assert names_of_config(found) == {config["metadata"]["name"]}
    assert config["data"] == variables(BASE) | variables(EXAMPLE)
    assert find(found, "Deployment")["spec"]["replicas"] == 3
    assert {container["image"] for container in containers(found)} == {"registry.example.org/astakos:1.0.0"}
    namespaced = [one for one in found if one["kind"] != "Namespace"]
    assert {one["metadata"]["namespace"] for one in namespaced} == {"astakos"}
    (key,) = (
        volume["secret"]
        for volume in find(found, "Deployment")["spec"]["template"]["spec"]["volumes"]
        if "secret" in volume
    )
    assert key["defaultMode"] == 0o440, "readable by the group that fsGroup sets"


def test_files_name_what_there_is() -> None:
    found = manifests(BASE)
    assert names_of_config(found) == {kustomization(BASE)["configMapGenerator"][0]["name"]}
    accounts = {one["metadata"]["name"] for one in found if one["kind"] == "ServiceAccount"}
    for pod in pod_specs(found):
        assert {pod["serviceAccountName"]} <= accounts
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    for selector in selectors(found):
        assert selector.items() <= labels.items()
    for spread in DEPLOYMENT["spec"]["template"]["spec"]["topologySpreadConstraints"]:
        assert spread["labelSelector"]["matchLabels"].items() <= labels.items()
    ports = {port["name"] for port in SERVING["ports"]}
    assert {port["targetPort"] for port in find(found, "Service")["spec"]["ports"]} <= ports
    assert {
        port["port"]
        for source in find(found, "NetworkPolicy", "astakos-callers")["spec"]["ingress"]
        for port in source["ports"]
    } == ports
    (rule,) = find(manifests(EXAMPLE), "Ingress")["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    service = find(found, "Service", backend["name"])
    assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
    assert f"https://{rule['host']}" == variables(EXAMPLE)["ASTAKOS_BASE_URL"]


def selectors(found: list[Manifest]) -> list[dict[str, str]]:
    """What deployments, services, budgets and policies select."""
    all_selectors: list[Any] = []
    for one in found:
        spec = one.get("spec", {})
        if one["kind"] == "Service":
            all_selectors.append(spec["selector"])
        elif one["kind"] in {"Deployment", "PodDisruptionBudget"}:
            all_selectors.append(spec["selector"]["matchLabels"])
        elif one["kind"] == "NetworkPolicy":
            all_selectors.append(spec["podSelector"]["matchLabels"])
    assert len(all_selectors) >= 7
    return all_selectors


def test_no_secret_is_in_the_files_and_those_named_are_known() -> None:
    found = [*manifests(BASE), *manifests(EXAMPLE)]
    assert not [one for one in found if one["kind"] == "Secret"]
    for name, value in (variables(BASE) | variables(EXAMPLE)).items():
        assert "PASSWORD" not in name
        assert "://astakos@" in value or "@" not in value
    for container in containers(manifests(BASE)):
        (password,) = container["env"]
        reference = password["valueFrom"]["secretKeyRef"]
        assert reference["key"] in SECRETS[reference["name"]]
        assert {
            source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source
        } <= SECRETS.keys()


def test_the_variables_are_those_of_the_service() -> None:
    known = {str(parameter.envvar) for parameter in serve.params if getattr(parameter, "envvar", None)}
    found = variables(BASE) | variables(EXAMPLE)
    assert found.keys() <= known
    assert refuse_base_url(found["ASTAKOS_BASE_URL"]) is None
    TrustedProxies(found["ASTAKOS_TRUSTED_PROXIES"].split())
    for folder in (BASE, EXAMPLE):
        assert database_of(variables(folder)["ASTAKOS_DATABASE"]).name


def options_of(container: Manifest) -> dict[str, Any]:
    command, *options = container["args"]
    found = {"serve": serve, "migrate": migrate_command}[command]
    return found.make_context(command, options).params


def seconds_to_leave(probe: Manifest) -> int:
    """How long it takes at most until a pod that is not ready gets no more calls."""
    return int(probe["periodSeconds"]) * int(probe["failureThreshold"]) + int(probe["timeoutSeconds"])


def test_a_pod_that_ends_is_given_time_and_has_left_the_service_before_it_refuses_calls() -> None:
    options = options_of(SERVING)
    assert (options["host"], options["metrics_host"]) == ("0.0.0.0", "0.0.0.0")
    assert {port["name"]: port["containerPort"] for port in SERVING["ports"]} == {
        "http": options["port"],
        "metrics": options["metrics_port"],
    }
    assert options["drain_seconds"] > seconds_to_leave(SERVING["readinessProbe"])
    grace = DEPLOYMENT["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > longest_end(options["drain_seconds"], Limits().grace_seconds)


def test_probes_ask_what_they_should() -> None:
    assert SERVING["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert SERVING["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert SERVING["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_every_pod_is_shut_in_as_the_restricted_standard_demands() -> None:
    (namespace,) = (one for one in manifests(EXAMPLE) if one["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in pod_specs(manifests(BASE)):
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == context["runAsGroup"] == 10001
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        for volume in pod["volumes"]:
            assert "sizeLimit" in volume["emptyDir"]
    for container in containers(manifests(BASE)):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]
        assert container["volumeMounts"] == [{"name": "temporary", "mountPath": "/tmp"}]


def test_prometheus_finds_the_pods_that_serve() -> None:
    # Debian's Prometheus is built without Kubernetes, so that its promtool does not know this configuration.
    text = PROMETHEUS.read_text(encoding="utf-8")
    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert job["job_name"] == "astakos"
    (discovery,) = job["kubernetes_sd_configs"]
    assert discovery["namespaces"]["names"] == [kustomization(EXAMPLE)["namespace"]]
    kept = job["relabel_configs"][0]
    labels = {
        f"__meta_kubernetes_pod_label_{re.sub(r'[^a-zA-Z0-9_]', '_', name)}": value
        for name, value in DEPLOYMENT["spec"]["template"]["metadata"]["labels"].items()
    }
    labels["__meta_kubernetes_pod_container_port_name"] = "metrics"
    assert kept["action"] == "keep"
    assert ";".join(labels[name] for name in kept["source_labels"]) == kept["regex"]
    assert "metrics" in {port["name"] for port in SERVING["ports"]}


def test_one_pod_more_comes_before_one_goes() -> None:
    rolling = DEPLOYMENT["spec"]["strategy"]["rollingUpdate"]
    assert (rolling["maxSurge"], rolling["maxUnavailable"]) == (1, 0)
    assert (
        find(manifests(BASE), "PodDisruptionBudget")["spec"]["maxUnavailable"]
        < DEPLOYMENT["spec"]["replicas"]
    )


def wait(database: Database) -> int:
    """Does what a new pod does before it starts, but ends where it would wait; returns the status."""
    timeout, seconds, *command, script = WAITING["command"]
    assert (timeout, seconds, command) == ("timeout", "600", ["sh", "-c"])
    assert "sleep 3" in script
    found = environment(database) | {"PATH": f"{EXECUTABLE.parent}:{os.environ['PATH']}"}
    script = script.replace("sleep 3", f"exit {WAITS}")
    done = subprocess.run([*command, script], env=found, capture_output=True, timeout=60, check=False)
    return done.returncode


def test_new_pods_wait_until_the_migration_is_done(new: Database) -> None:
    upgrade(new, "0033")
    assert wait(new) == WAITS
    assert astakos(new, *MIGRATING["args"]).status == 0
    assert wait(new) == 0


def test_where_there_is_nothing_the_job_creates_what_pods_wait_for(new: Database) -> None:
    assert wait(new) == WAITS
    assert astakos(new, *MIGRATING["args"]).errors == created(new)
    assert wait(new) == 0
