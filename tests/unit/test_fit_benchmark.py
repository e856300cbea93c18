"""The benchmark's world is one that the generators have something to learn from, and a refusal is told, not hidden."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import fit
from nextpick.models.generators.bought_together import session_items
from nextpick.params import load_params

SMALL = ["--users", "300", "--items", "400", "--pairs", "6000"]


def test_the_world_is_as_large_as_is_asked_for_and_the_same_again() -> None:
    known = fit.world(30_000, 41_000, 800_000)
    assert (len(known), known.n_items) == (30_000, 41_000)
    assert len(known.item_rows) == pytest.approx(800_000, rel=0.03)
    assert known.last_at.max() < known.as_of
    assert (np.diff(known.user_rows * known.n_items + known.item_rows) > 0).all()
    assert session_items(known, 12.0).getnnz(axis=1).mean() > 2
    one, again = (fit.world(300, 400, 6000) for _ in range(2))
    assert all(getattr(one, name).tobytes() == getattr(again, name).tobytes() for name in ("item_rows", "last_at"))


def test_the_pool_is_fitted_and_what_refuses_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (fit.ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("max_gb: 1.0", "max_gb: 1.0e-9"))
    assert fit.main([*SMALL, "--params", str(tmp_path / "params.yaml")]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    fitted = [name for name in load_params(tmp_path / "params.yaml").generators if name != "ease"]
    assert list(said) == [*fitted, "together", "refused", "pairs"]
    assert said["together"] == pytest.approx(sum(said[name] for name in fitted))
    assert list(said["refused"]) == ["ease"]
    assert "no item in params ease.max_gb, 1e-09" in said["refused"]["ease"]


def test_generators_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    fit.main([*SMALL, "--generator", "popular", "rp3beta"])
    assert list(json.loads(capsys.readouterr().out.splitlines()[-1])) == [
        "popular", "rp3beta", "together", "refused", "pairs",
    ]  # fmt: skip
