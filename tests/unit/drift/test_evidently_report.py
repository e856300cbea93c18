"""What Evidently shows is what alarmed: our statistics, our thresholds, in one file that is whole or absent."""

from pathlib import Path

import numpy as np
import pytest

from nextpick.drift.columns import Column, amount
from nextpick.drift.verdict import Judgement, Silence, judge
from nextpick.params import DriftParams

PARAMS = DriftParams()


def columns() -> list[Column]:
    rng = np.random.default_rng(0)
    gaps = np.where(rng.random(900) < 0.2, np.nan, rng.lognormal(0.9, 1, 900))
    gaps[7] = np.inf
    kinds = np.array(["view", "buy", None], object)
    return [
        Column("moved", "number", gaps, tuple(rng.lognormal(size=800) for _ in range(6))),
        Column("still", "number", rng.lognormal(size=900), tuple(rng.lognormal(size=800) for _ in range(6))),
        Column("kind", "category", rng.choice(kinds, 900), tuple(rng.choice(kinds, 800) for _ in range(6))),
        Column("few", "number", rng.normal(size=12), tuple(rng.normal(size=900) for _ in range(6))),
        Column("gone", "number", np.empty(0), tuple(rng.normal(size=900) for _ in range(6))),
    ]


def judged() -> Judgement:
    return judge(columns(), amount("interactions", [900, *[800] * 6]), Silence(0, ()), PARAMS)


def test_every_score_and_every_detection_is_the_judgements() -> None:
    from nextpick.drift import report

    shown = report.report(columns()[:4], judged(), PARAMS).dict()["metrics"]
    scores = {
        (metric["config"]["column"], metric["config"]["method"].removeprefix("nextpick_")): metric
        for metric in shown
        if "method" in metric["config"]
    }
    measures = [m for m in judged().measures if m.statistic in ("psi", "ks", "js") and m.value is not None]
    assert {(m.column_name, m.statistic) for m in measures} == {
        (name, s) for name, s in scores if s in ("psi", "ks", "js")
    }
    for measure in measures:
        metric = scores[measure.column_name, measure.statistic]
        assert metric["value"] == pytest.approx(measure.value, abs=1e-12)
        assert metric["config"]["threshold"] == measure.threshold
    assert {name for name, statistic in scores if statistic == "too_few"} == {"few"}
    counts = [metric["value"]["count"] for metric in shown if "DriftedColumns" in metric["metric_name"]]
    assert counts == [1, 1]  # `moved`, by either statistic


def test_a_thousand_categories_are_drawn_as_the_larger_of_them_with_the_same_figures() -> None:
    from nextpick.drift import report

    rng = np.random.default_rng(2)
    names = np.array([f"category {i:04}" for i in range(1000)], object)

    def drawn(n: int, scale: float) -> np.ndarray:
        return names[np.minimum(rng.exponential(scale, n).astype(int), 999)]

    column = Column("category", "category", drawn(9000, 40), tuple(drawn(9000, 30) for _ in range(6)))
    found = judge([column], amount("interactions", [900, *[800] * 6]), Silence(0, ()), PARAMS)
    current, reference = report._shown(column, PARAMS)
    assert 2 < len(set(reference)) <= report.DRAWN
    assert set(current) <= set(reference)
    values = {m["config"]["method"]: m["value"] for m in report.report([column], found, PARAMS).dict()["metrics"][1::2]}
    for measure in found.measures:
        if measure.statistic in ("psi", "js"):
            assert values[f"nextpick_{measure.statistic}"] == pytest.approx(measure.value, abs=1e-12)


def test_the_file_holds_the_figures_and_asks_no_other_machine_for_anything(tmp_path: Path) -> None:
    from nextpick.drift import report

    path = tmp_path / "2025-11-12" / "050000.html"
    assert report.write(path, columns(), judged(), PARAMS)
    html = path.read_text()
    (psi,) = [m.value for m in judged().measures if (m.column_name, m.statistic) == ("moved", "psi")]
    assert str(round(psi or 0, 6)) in html
    assert "too few rows to judge" in html
    assert '<script src="http' not in html
    assert '<link rel="stylesheet" href="http' not in html
    assert [file.name for file in path.parent.iterdir()] == ["050000.html"]


def test_what_users_sent_is_text_in_the_page_and_never_its_markup(tmp_path: Path) -> None:
    from nextpick.drift import report

    kinds = np.array(["view", "</script><img src=x onerror=alert(1)>"], object)
    hostile = Column("kind", "category", np.resize(kinds, 900), tuple(np.resize(kinds, 800) for _ in range(6)))
    assert report.write(tmp_path / "page.html", [*columns(), hostile], judged(), PARAMS)
    page = (tmp_path / "page.html").read_text()
    assert r"\u003c/script>\u003cimg src=x onerror=alert(1)>" in page
    assert "<img src=x" not in page


def test_nothing_to_draw_leaves_no_file(tmp_path: Path) -> None:
    from nextpick.drift import report

    assert not report.write(tmp_path / "x" / "y.html", [columns()[4]], judged(), PARAMS)
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_finished_leaves_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nextpick.drift import report

    path = tmp_path / "y.html"
    path.write_text("older")

    class Full:
        def save_html(self, name: str) -> None:
            Path(name).write_text("half")
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "report", lambda *_: Full())
    with pytest.raises(OSError, match="No space left"):
        report.write(path, columns(), judged(), PARAMS)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("y.html", "older")]
