"""Writes what infra/k8s has of other files: `python scripts/k8s.py`, or `python scripts/k8s.py FOLDER` to look first.

nextpick.yaml, for plain `kubectl apply -f`, is the Kustomize base; the PrometheusRule holds the rules that
monitoring/prometheus/rules has for a Prometheus of one's own.
"""

import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
K8S = ROOT / "infra" / "k8s"
RENDERED, RULES = Path("nextpick.yaml"), Path("components", "monitoring", "rules.yaml")
MADE = "# Made by scripts/k8s.py of {}. Change that, and run it again.\n"


def main(into: Path = K8S) -> None:
    """Write both below `into`."""
    (into / RULES).parent.mkdir(parents=True, exist_ok=True)
    (into / RULES).write_text(MADE.format("monitoring/prometheus/rules") + yaml.safe_dump(rules(), sort_keys=False))
    (into / RENDERED).write_text(MADE.format("infra/k8s/base") + kustomize(K8S / "base"))


def kustomize(folder: Path) -> str:
    """What Kustomize makes of a folder, by the kubectl of this Python's environment."""
    command = [str(Path(sys.executable).parent / "kubectl"), "kustomize", str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def rules() -> dict[str, object]:
    """The PrometheusRule."""
    files = sorted((ROOT / "monitoring" / "prometheus" / "rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "nextpick"},
        "spec": {"groups": groups},
    }


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
