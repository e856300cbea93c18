"""infra/k8s: rendered as Kustomize makes it now, taken by Kubernetes' own schemas, and as careful as it should be."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.images import serve
from nextpick import __version__
from nextpick.settings import Settings
from scripts import k8s

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
UID = 10001


@pytest.fixture(scope="module")
def base() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((k8s.K8S / k8s.RENDERED).read_text()))


def one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


def pods(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each["spec"]["template"]["spec"] for each in objects if each["kind"] in ("Deployment", "Job")]


def test_what_is_made_of_other_files_is_as_they_are_now(tmp_path: Path) -> None:
    k8s.main(tmp_path)
    for made in (k8s.RENDERED, k8s.RULES):
        assert (tmp_path / made).read_text() == (k8s.K8S / made).read_text(), "python scripts/k8s.py writes it anew"


@pytest.mark.parametrize("overlay", ["base", "overlays/production"])
def test_kubernetes_takes_it(overlay: str, tmp_path: Path) -> None:
    rendered = tmp_path / "all.yaml"
    rendered.write_text(k8s.kustomize(k8s.K8S / overlay))
    done = subprocess.run(
        [BIN / "kubernetes-validate", "--strict", rendered], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    objects = list(yaml.safe_load_all(rendered.read_text()))
    unknown = {"ServiceMonitor", "PrometheusRule"}  # the Prometheus Operator's
    kinds = Counter(each["kind"] for each in objects if each["kind"] not in unknown)
    assert (done.stdout + done.stderr).count(" passed for resource ") == kinds.total()
    assert {each["metadata"]["namespace"] for each in objects if each["kind"] != "Namespace"} == {"nextpick"}


def test_pods_may_do_nothing_but_their_work(base: list[dict[str, Any]]) -> None:
    assert one(base, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert one(base, "ServiceAccount")["automountServiceAccountToken"] is False
    assert len(pods(base)) == 2
    for pod in pods(base):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] == UID
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            allowed = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
            assert container["securityContext"] == {**allowed, "capabilities": {"drop": ["ALL"]}}
            assert set(container["resources"]) == {"requests", "limits"}
    assert f"USER {UID}:{UID}" in (ROOT / "Dockerfile").read_text()


def test_a_rollout_takes_no_replica_away_and_cuts_no_request_off(base: list[dict[str, Any]]) -> None:
    deployment = one(base, "Deployment")["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] >= pause + serve.DRAIN_SECONDS + 5
    assert one(base, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert one(base, "HorizontalPodAutoscaler")["spec"]["minReplicas"] >= 2
    assert "replicas" not in deployment  # the autoscaler's, which applying the file again must not undo


def test_probes_ask_what_the_api_answers(base: list[dict[str, Any]]) -> None:
    from serving.routes import health

    paths = {route.path for route in health.router.routes}  # type: ignore[attr-defined]
    (container,) = one(base, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["startupProbe"]["httpGet"]["path"] in paths
    assert container["livenessProbe"]["httpGet"]["path"] in paths
    asked = container["readinessProbe"]["exec"]["command"]
    assert re.sub(r"^http://[\d.]+:\d+", "", asked[2]) in paths
    port = Settings.model_fields["api_port"].default
    assert f":{port}/" in asked[2]
    assert container["ports"] == [{"name": "http", "containerPort": port}]


def test_secrets_are_only_named(base: list[dict[str, Any]]) -> None:
    assert [each for each in base if each["kind"] == "Secret"] == []
    known = {f"NEXTPICK_{name.upper()}" for name in Settings.model_fields}
    for pod in pods(base):
        for variable in pod["containers"][0]["env"]:
            assert variable["name"] in known
            assert variable["valueFrom"]["secretKeyRef"]["name"] == "nextpick-database"


def test_every_pod_is_behind_a_policy(base: list[dict[str, Any]]) -> None:
    policies = [each["spec"] for each in base if each["kind"] == "NetworkPolicy"]
    covered = {policy["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for policy in policies}
    assert covered == {"nextpick", "nextpick-migrate"}
    assert all(set(policy["policyTypes"]) == {"Ingress", "Egress"} for policy in policies)


def test_all_of_it_is_of_one_version(base: list[dict[str, Any]]) -> None:
    assert [pod["containers"][0]["image"].rpartition(":")[2] for pod in pods(base)] == [__version__] * 2
    assert one(base, "Job")["metadata"]["name"] == f"nextpick-migrate-{__version__.replace('.', '-')}"
    values = yaml.safe_load((k8s.K8S / "airflow" / "values.yaml").read_text())
    assert str(values["defaultAirflowTag"]) == __version__
    production = yaml.safe_load((k8s.K8S / "overlays" / "production" / "kustomization.yaml").read_text())
    assert production["images"][0]["newTag"] == __version__
    project = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{__version__}"' in project
    assert f'"apache-airflow=={values["airflowVersion"]}"' in project


def test_airflow_finds_in_its_image_what_the_values_say() -> None:
    values = yaml.safe_load((k8s.K8S / "airflow" / "values.yaml").read_text())
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert values["executor"] == "KubernetesExecutor"
    for setting, variable in (("dags_folder", "DAGS_FOLDER"), ("plugins_folder", "PLUGINS_FOLDER")):
        assert f"AIRFLOW__CORE__{variable}={values['config']['core'][setting]}" in dockerfile
    lock = (ROOT / "infra" / "images" / "airflow.txt").read_text()
    assert values["config"]["core"]["auth_manager"].startswith("airflow.providers.keycloak.")
    for provider in ("cncf-kubernetes", "keycloak"):
        assert f"\napache-airflow-providers-{provider}==" in lock
    known = {f"NEXTPICK_{name.upper()}" for name in Settings.model_fields}
    given = {each.get("name", each.get("envName")) for each in (*values["env"], *values["secret"])}
    assert {name for name in given if name.startswith("NEXTPICK_")} <= known
    assert "AIRFLOW_CONN_NEXTPICK_DB" in given
    (home,) = [m["mountPath"] for m in values["volumeMounts"] if m["name"] == "nextpick-home"]
    serving = one(list(yaml.safe_load_all((k8s.K8S / k8s.RENDERED).read_text())), "Deployment")
    mounts = serving["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert {"name": "home", "mountPath": home, "readOnly": True} in mounts  # bundles are named by their paths
