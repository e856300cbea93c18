"""Each item's nearest: by taste where there are factors, by basket where there are none."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from nextpick.models.bundle import Bundle, load_bundle
from nextpick.release import neighbours
from nextpick.release.neighbours import nearest
from tests.published import Version


@pytest.fixture(scope="module")
def bundle(version: Version) -> Bundle:
    return load_bundle(version.bundle_dir, version.bundle_sha256)


def per_item(bundle: Bundle, n: int) -> list[list[tuple[int, float]]]:
    starts, rows, scores = nearest(bundle, n)
    assert (rows.dtype, scores.dtype) == (np.int32, np.float32)
    pairs = list(zip(rows.tolist(), scores.tolist(), strict=True))
    return [pairs[a:b] for a, b in pairwise(starts)]


def test_they_are_the_highest_cosines_of_the_factors_and_never_the_item_itself(bundle: Bundle) -> None:
    assert bundle.vectors is not None
    cosines = bundle.vectors @ bundle.vectors.T
    for item, found in enumerate(per_item(bundle, 5)):
        others = [(-cosines[item, row], row) for row in range(len(bundle.items)) if row != item]
        assert [row for row, _ in found] == [row for value, row in sorted(others)[:5] if value < 0]
        assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


def test_tea_is_near_tea(bundle: Bundle) -> None:
    kinds = np.array([item.split("-")[0] for item in bundle.items.ids])
    same = [kinds[row] == kinds[item] for item, found in enumerate(per_item(bundle, 5)) for row, _ in found]
    assert np.mean(same) > 0.8


def test_without_factors_baskets_speak_and_without_both_nobody(bundle: Bundle) -> None:
    weights = bundle.generators["bought_together"].near.weights.toarray()  # type: ignore[attr-defined]
    only = {name: bundle.generators[name] for name in ("bought_together", "popular")}
    for item, found in enumerate(per_item(replace(bundle, generators=only), 3)):
        assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))
        assert all(score == weights[item, row] > 0 for row, score in found)
    assert per_item(replace(bundle, generators={"popular": bundle.generators["popular"]}), 3) == [[]] * len(
        bundle.items
    )


def test_the_size_of_a_block_changes_nothing(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [[row for row, _ in found] for found in per_item(bundle, 4)]
    monkeypatch.setattr(neighbours, "ITEMS_AT_ONCE", 7)
    assert [[row for row, _ in found] for found in per_item(bundle, 4)] == whole
