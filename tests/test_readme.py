"""The README says nothing that is not so: commands exist, links lead somewhere, words are the Makefile's."""

import json
import re
import shlex
from pathlib import Path

import typer
from typer.testing import CliRunner

from nextpick.cli import app
from nextpick.settings import Settings
from serving.recommend_schemas import RecommendIn

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = [
    shlex.split(line, comments=True)
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
WORDS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_two_commands_come_first() -> None:
    assert [command[:2] for command in COMMANDS[:2]] == [["make", "run"], ["make", "test"]]


def test_every_make_word_exists_and_every_word_is_told_of() -> None:
    told = set(re.findall(r"make ([a-z-]+)", README))
    assert told <= WORDS
    assert WORDS - told == {"help"}


def test_every_command_of_ours_exists_with_its_options() -> None:
    ours = [command for command in COMMANDS if command[0].endswith("nextpick")]
    assert ours
    for _, name, *arguments in ours:
        told = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})
        assert told.exit_code == 0, f"nextpick {name}: {told.output}"
        group = typer.main.get_command(app)
        options = {option for p in group.commands[name].params for option in p.opts}  # type: ignore[attr-defined]
        assert {a for a in arguments if a.startswith("--")} <= options


def test_what_curl_sends_is_what_the_api_takes() -> None:
    sent = [json.loads(command[command.index("-d") + 1]) for command in COMMANDS if command[0] == "curl"]
    assert [RecommendIn.model_validate(body).top_k for body in sent] == [5, 5]


def test_the_ports_and_their_settings_are_those_of_the_code() -> None:
    told = {int(port) for port in re.findall(r"\b(\d{4,5}) \((?:the API|Airflow|MLflow|Postgres)\)", README)}
    names = ("api_port", "airflow_port", "mlflow_port", "postgres_port")
    ours = {name: Settings.model_fields[name].default for name in names}
    assert told == set(ours.values())
    example = (ROOT / ".env.example").read_text()
    for name, port in ours.items():
        assert f"`NEXTPICK_{name.upper()}`" in README
        assert f"#NEXTPICK_{name.upper()}={port}\n" in example


def test_every_link_leads_to_a_file() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []


def test_every_heading_that_a_link_names_is_there() -> None:
    for path, heading in re.findall(r"\]\(([^)#:]+)#([^)]+)\)", README):
        headings = re.findall(r"^#+ (.*)$", (ROOT / path).read_text(), re.MULTILINE)
        assert heading in {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}, path
