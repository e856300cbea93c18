"""Reading dvc.yaml: which stage waits for which."""

from pathlib import Path

import pytest

from nextpick.errors import ConfigError
from nextpick.pipeline import stages


def described(folder: Path, text: str) -> Path:
    path = folder / "dvc.yaml"
    path.write_text(text)
    return path


def test_a_stage_waits_for_those_whose_outputs_it_reads(tmp_path: Path) -> None:
    path = described(
        tmp_path,
        """
        stages:
          evaluate: {cmd: d, deps: [models/ranker/trees.txt, data/prepared], metrics: [{metrics.json: {cache: false}}]}
          rank: {cmd: c, deps: [data/prepared, models/collab], outs: [models/ranker]}
          collab: {cmd: b, deps: [nextpick/models, data/prepared/], outs: [models/collab: {persist: false}]}
          prepare: {cmd: a, deps: [data/raw], outs: [data/prepared]}
          tell: {cmd: e, deps: [metrics.json]}
        """,
    )
    found = stages(path)
    assert found == {
        "prepare": (),
        "collab": ("prepare",),
        "rank": ("collab", "prepare"),
        "evaluate": ("rank", "prepare"),
        "tell": ("evaluate",),
    }
    assert list(found) == ["prepare", "collab", "rank", "evaluate", "tell"]


def test_a_name_that_begins_like_an_output_is_another_file(tmp_path: Path) -> None:
    path = described(tmp_path, "stages: {a: {cmd: a, outs: [data/raw]}, b: {cmd: b, deps: [data/raw2]}}")
    assert stages(path)["b"] == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stages: {a: {outs: [x], deps: [y]}, b: {outs: [y], deps: [x]}}", "stages .* wait for each other"),
        ("stages: {a: {foreach: [1, 2], do: {cmd: a}}}", "stage a uses foreach. Write its stages out"),
        ("- no pipeline", "is no pipeline"),
        ("stages: [", "is no pipeline"),
    ],
)
def test_a_file_that_is_no_pipeline_is_refused_with_the_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        stages(described(tmp_path, text))


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cannot read .*dvc\.yaml: No such file"):
        stages(tmp_path / "dvc.yaml")
