"""The fused line's members: who is one, with which settings, and what a user's latest items alone say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.yardstick import fused
from benchmarks.yardstick.choice import carvings
from benchmarks.yardstick.fused import MEMBERS, SETTLED_ALIKE, OfLatest
from benchmarks.yardstick.measure import Job
from benchmarks.yardstick.settings import SEED, params_of, start_of
from benchmarks.yardstick.split import Split, Timing, read_split
from nextpick.features.histories import select
from nextpick.models.candidates import KINDS
from tests.unit.yardstick.planted import ring

ALWAYS = {"popular", "filter", "sharp", "nearest", "svd", "als", "rp3beta"}


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return read_split(*ring(tmp_path_factory.mktemp("ring")))


def test_the_latest_items_alone_score_as_if_the_user_had_no_others(split: Split) -> None:
    known = split.train
    generator = KINDS["item_knn"].fit(known, params_of({}, split.timing))
    rank = pd.Series(-known.last_at).groupby(known.user_rows).rank(method="first").to_numpy()
    rows = np.array([7, 0, 33], np.int32)
    alone = generator.scores(select(known, rank <= 2), rows)
    assert OfLatest(generator, 2).scores(known, rows).tobytes() == alone.tobytes()
    assert OfLatest(generator, 99).scores(known, rows).tobytes() == generator.scores(known, rows).tobytes()
    assert alone.tobytes() != generator.scores(known, rows).tobytes()


@pytest.mark.parametrize(
    ("timing", "more"), [("none", set()), ("order", {"recent"}), ("time", {"recent", "bought_together"})]
)
def test_what_times_do_not_tell_has_no_member(timing: Timing, more: set[str], split: Split) -> None:
    assert set(fused._members(replace(split, timing=timing))) == {*ALWAYS, "ease", *more}


def test_a_catalogue_too_large_for_a_dense_inverse_goes_without_it(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused, "DENSE_ITEMS", split.train.n_items - 1)
    assert set(fused._members(split)) == {*ALWAYS, "recent"}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_starts_as_it_says_and_climbs_settings_it_has(name: str, split: Split) -> None:
    member = MEMBERS[name]
    known = start_of(member.kind, split.timing)
    assert set(member.start) <= set(known)
    assert set(member.climbed) <= set(known)
    job = Job(name, Path(), Path(), None, 5, 0.0, 0.0, 8.0)
    assert fused._settings(name, member, [], split, job) == {**known, **member.start}
    if name in SETTLED_ALIKE:  # what its own line chose is not chosen again
        settled = replace(job, settled={name: {"chosen": 1}})
        assert fused._settings(name, member, carvings(split, SEED), split, settled) == {"chosen": 1}


def test_nothing_of_the_line_is_learnt_from_the_test(tmp_path: Path) -> None:
    """Another test of as many items of the same users is measured otherwise, by the same members and weights."""
    train, test = ring(tmp_path)
    (tmp_path / "other.txt").write_text("".join(f"{user} {user % 40} {(user + 17) % 40}\n" for user in range(60)))
    job = Job("fused", train, test, None, 5, 0.0, 0.0, 8.0)
    lines = [fused.measure_fused(replace(job, test=path)) for path in (test, tmp_path / "other.txt")]
    assert lines[0]["recall@5"] > 2 * lines[1]["recall@5"]
    assert lines[0]["params"] == lines[1]["params"]
