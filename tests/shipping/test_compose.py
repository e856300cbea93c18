"""docker-compose.yaml: Compose itself reads it; nothing it names is absent, open to others, or has a known secret."""

import base64
import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml

from nextpick.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yaml"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .env that scripts/env.sh writes into an empty clone."""
    clone = tmp_path_factory.mktemp("clone")
    (clone / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "env.sh", clone / "scripts")
    subprocess.run([clone / "scripts" / "env.sh"], check=True)
    return clone / ".env"


def compose(env: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [BIN / "docker-compose", "--file", FILE, "--env-file", env, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})


@pytest.fixture(scope="module")
def services(env: Path) -> dict[str, Any]:
    """As Compose understands them."""
    done = compose(env, "config", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    return dict(json.loads(done.stdout)["services"])


def values(env: Path) -> dict[str, str]:
    """The secrets it made; that of Slack is the reader's own, and empty."""
    pairs = (line.partition("=") for line in env.read_text().splitlines())
    return {name: value for name, _, value in pairs if value}


def test_it_is_a_compose_file() -> None:
    check = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE]
    subprocess.run(check, check=True, capture_output=True)


def test_env_sh_writes_secrets_nobody_else_can_read_and_leaves_those_that_are_there(env: Path) -> None:
    assert env.stat().st_mode & 0o777 == 0o600
    found = values(env)
    assert len(set(found.values())) == len(found)
    assert len(base64.urlsafe_b64decode(found["AIRFLOW_FERNET_KEY"])) == 32
    before = env.read_text()
    subprocess.run([env.parent / "scripts" / "env.sh"], check=True)
    assert env.read_text() == before


@pytest.mark.parametrize("there", ["NEXTPICK_API_PORT=9080", "POSTGRES_PASSWORD=\n", "POSTGRES_PASSWORD=mine\n"])
def test_env_sh_takes_an_env_as_it_finds_it(env: Path, tmp_path: Path, there: str) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(env.parent / "scripts" / "env.sh", tmp_path / "scripts")
    (tmp_path / ".env").write_text(there)
    for _ in range(2):
        subprocess.run([tmp_path / "scripts" / "env.sh"], check=True)
    found = values(tmp_path / ".env")
    assert (tmp_path / ".env").read_text().startswith(there.rstrip("\n") + "\n")
    assert set(values(env)) <= set(found)
    assert (found["POSTGRES_PASSWORD"] == "mine") == ("mine" in there)
    assert compose(tmp_path / ".env", "config", "--quiet").returncode == 0


def test_each_secret_that_is_missing_is_asked_for(env: Path) -> None:
    done = compose(Path("/dev/null"), "config", "--quiet")
    assert done.returncode != 0
    asked = set(re.findall(r"required variable (\w+) is missing a value: run scripts/env.sh", done.stderr))
    assert asked == set(values(env))


def test_no_secret_stands_in_the_file(env: Path) -> None:
    text = FILE.read_text()
    assert re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*):-", text) == []
    assert set(re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*):\?", text)) == set(values(env))


def test_only_this_machine_reaches_what_is_published(services: dict[str, Any]) -> None:
    published = [(name, port) for name, service in services.items() for port in service.get("ports", [])]
    assert {name for name, _ in published} >= {"serving", "airflow-api-server", "mlflow", "prometheus", "grafana"}
    assert {port["host_ip"] for _, port in published} == {"127.0.0.1"}
    mine = {name: int(port["published"]) for name, port in published}
    defaults = Settings.model_fields
    assert mine["serving"] == defaults["api_port"].default
    assert mine["airflow-api-server"] == defaults["airflow_port"].default
    assert mine["mlflow"] == defaults["mlflow_port"].default


def test_the_api_is_open_only_where_its_port_is_published_on_this_machine(services: dict[str, Any]) -> None:
    open_to = [n for n, s in services.items() if "NEXTPICK_API_OPEN_TO_LOOPBACK" in s.get("environment", {})]
    assert open_to == ["serving"]
    assert services["serving"]["read_only"]


def test_every_setting_is_one(services: dict[str, Any]) -> None:
    known = {f"NEXTPICK_{name.upper()}" for name in Settings.model_fields}
    ours = {n for s in services.values() for n in s.get("environment", {}) if n.startswith("NEXTPICK_")}
    assert ours
    assert ours - known == set()


def test_every_option_of_airflow_is_one(services: dict[str, Any]) -> None:
    spec = find_spec("airflow")  # looked at, not imported: that takes long
    assert spec
    assert spec.origin
    known = yaml.safe_load((Path(spec.origin).parent / "config_templates" / "config.yml").read_text())
    names = {n for s in services.values() for n in s.get("environment", {}) if n.startswith("AIRFLOW__")}
    options = [tuple(name.removeprefix("AIRFLOW__").lower().split("__")) for name in names]
    assert ("core", "executor") in options
    assert [f"{s}.{o}" for s, o in options if o not in known[s]["options"]] == []


def test_what_is_mounted_is_there(services: dict[str, Any]) -> None:
    binds = [Path(v["source"]) for s in services.values() for v in s.get("volumes", []) if v["type"] == "bind"]
    assert binds
    assert [path for path in binds if not path.exists()] == []


def test_monitoring_names_services_of_this_file_and_folders_that_are_mounted(services: dict[str, Any]) -> None:
    monitoring = ROOT / "monitoring"
    scraped = yaml.safe_load((monitoring / "prometheus" / "prometheus.yml").read_text())
    told = [*scraped["scrape_configs"], *scraped["alerting"]["alertmanagers"]]
    hosts = {target.partition(":")[0] for each in told for one in each["static_configs"] for target in one["targets"]}
    sources = yaml.safe_load((monitoring / "grafana" / "provisioning" / "datasources" / "nextpick.yml").read_text())
    hosts |= {str(urlsplit(source["url"]).hostname) for source in sources["datasources"]}
    assert hosts <= services.keys()
    provided = yaml.safe_load((monitoring / "grafana" / "provisioning" / "dashboards" / "nextpick.yml").read_text())
    mounted = {volume["target"] for volume in services["grafana"]["volumes"]}
    assert {provider["options"]["path"] for provider in provided["providers"]} <= mounted
    (slack,) = yaml.safe_load((monitoring / "alertmanager" / "alertmanager.yml").read_text())["receivers"][0][
        "slack_configs"
    ]
    assert slack["api_url_file"] == f"/run/secrets/{services['alertmanager']['secrets'][0]['source']}"


def test_images_are_ours_or_of_a_stated_version(services: dict[str, Any]) -> None:
    foreign = {s["image"] for s in services.values()} - {"nextpick", "nextpick-airflow"}
    assert [image for image in foreign if not re.fullmatch(r"[\w/.-]+:v?\d+(\.\d+)+", image)] == []
    ours = [s for s in services.values() if s["image"].startswith("nextpick")]
    assert [s["image"] for s in ours if "build" not in s] == []  # Compose would look for it in a registry first
    stages = set(re.findall(r"^FROM .* AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert {s["build"]["target"] for s in services.values() if "build" in s} <= stages


def test_programs_of_ours_that_are_run_are_there(services: dict[str, Any]) -> None:
    words = [
        w for s in services.values() for w in [*(s.get("command") or []), *s.get("healthcheck", {}).get("test", [])]
    ]
    files = [word for word in words if word.startswith("infra/")]
    assert files
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert (ROOT / "infra" / "images" / "bin" / "airflow-web").stat().st_mode & 0o111


def test_everything_has_limits_and_services_that_others_wait_for_have_checks(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service.get("mem_limit"), name
        assert "no-new-privileges:true" in service["security_opt"], name
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert other in ("serving", "postgres") or "healthcheck" in services[other], other


def test_jobs_end_and_are_not_started_again(services: dict[str, Any]) -> None:
    jobs = {
        other
        for s in services.values()
        for other, how in s.get("depends_on", {}).items()
        if "completed" in how["condition"]
    }
    assert jobs == {"databases", "migrate", "airflow-migrate"}
    assert {services[name]["restart"] for name in (*jobs, "first-run")} == {"no"}


def test_the_databases_are_made_once_and_each_role_enters_its_own(
    server_url: str, env: Path, tmp_path: Path, psql: Path
) -> None:
    passwords = {name: value for name, value in values(env).items() if name.startswith("DB_PASSWORD_")}
    done = ""
    try:
        for _ in range(2):
            command = [
                psql,
                "--quiet",
                "--no-psqlrc",
                "--file",
                ROOT / "infra" / "images" / "databases.sql",
                server_url,
            ]
            run = subprocess.run(command, capture_output=True, text=True, check=False, env=passwords)
            done += run.stderr
            assert run.returncode == 0, run.stderr
        _, _, place = server_url.rpartition("@")
        for name in ("nextpick", "airflow", "mlflow"):
            password = passwords[f"DB_PASSWORD_{name.upper()}"]
            own = place.replace("/postgres", f"/{name}")
            with psycopg.connect(f"postgresql://{name}:{password}@{own}") as conn:
                conn.execute("CREATE SCHEMA own")
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(
                f"postgresql://mlflow:{passwords['DB_PASSWORD_MLFLOW']}@{place.replace('/postgres', '/nextpick')}"
            )
    finally:
        with psycopg.connect(server_url, autocommit=True) as admin:
            for name in ("nextpick", "airflow", "mlflow"):
                admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[call-overload]
                admin.execute(f"DROP ROLE IF EXISTS {name}")  # type: ignore[call-overload]
    assert done == ""


@pytest.fixture
def psql() -> Path:
    """Of the wheel that has the tests' server."""
    from nextpick.local import postgres

    return postgres._site() / postgres.PROGRAMS / "psql"


def test_first_run_waits_for_what_it_needs() -> None:
    described = yaml.safe_load(FILE.read_text())["services"]["first-run"]
    assert set(described["depends_on"]) == {
        "airflow-api-server",
        "airflow-scheduler",
        "airflow-dag-processor",
        "mlflow",
    }
