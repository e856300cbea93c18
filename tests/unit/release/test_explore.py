"""The odds that are logged are the odds that lots are drawn with."""

import numpy as np
import pytest

from nextpick.release.explore import explore


def test_no_share_or_too_few_candidates_give_nothing_away() -> None:
    for n, k, share in ((10, 3, 0.0), (5, 3, 0.5), (2, 3, 0.5), (0, 3, 0.5)):
        shown, odds = explore(n, k, share, 1)
        assert shown.tolist() == list(range(min(n, k)))
        assert odds.tolist() == [1.0] * min(n, k)


def test_a_seed_decides() -> None:
    first, again = explore(40, 10, 0.3, 7), explore(40, 10, 0.3, 7)
    assert first[0].tolist() == again[0].tolist()


def test_each_candidate_stands_in_each_place_as_often_as_its_propensity_says() -> None:
    n, k, share, tries = 12, 4, 0.4, 40_000
    counts = np.zeros((k, n))
    told: dict[tuple[int, int], float] = {}
    for seed in range(tries):
        shown, odds = explore(n, k, share, seed)
        assert len(set(shown.tolist())) == k
        counts[np.arange(k), shown] += 1
        told |= {(place, int(item)): float(p) for place, (item, p) in enumerate(zip(shown, odds, strict=True))}
    for (place, item), p in told.items():
        assert counts[place, item] / tries == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / tries))
    assert len(told) == k * (1 + n - k)
    assert sum(p for (place, _), p in told.items() if place == 0) == pytest.approx(1)
