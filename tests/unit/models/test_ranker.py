"""The ranker: learns an order, is the same twice, and refuses a text it cannot trust."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.errors import BundleError, DataError
from nextpick.models.examples import Examples
from nextpick.models.ranker import Ranker, enough_trees, train
from tests.worlds import params

NAMES = ("good", "noise", "other")
CHOSEN = {"trees": 10, "leaves": 5, "min_child_samples": 5, "learning_rate": 0.3, "feature_share": 1, "row_share": 1}
PARAMS = params(ranker=CHOSEN)


def data(seed: int = 0) -> Examples:
    """40 users of 20 candidates; the two with the highest first feature are relevant."""
    rng = np.random.default_rng(seed)
    features = rng.random((800, 3)).astype(np.float32)
    features[rng.random((800, 3)) < 0.1] = np.nan
    best = np.argsort(np.nan_to_num(features[:, 0], nan=-1).reshape(40, 20), axis=1)[:, -2:]
    wanted = np.zeros((40, 20), np.int8)
    np.put_along_axis(wanted, best, 1, axis=1)
    return Examples(features, wanted.reshape(-1), np.full(40, 20))


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return train(data(), NAMES, PARAMS)


def test_relevant_candidates_of_users_never_seen_come_first(ranker: Ranker) -> None:
    others = data(seed=1)
    scores = ranker.predict(others.features).reshape(40, 20)
    top = np.argsort(-scores, axis=1)[:, :2]
    assert np.take_along_axis(others.labels.reshape(40, 20), top, axis=1).mean() > 0.8


def test_the_same_input_makes_the_same_text(ranker: Ranker) -> None:
    assert train(data(), NAMES, PARAMS).text == ranker.text


def test_scores_are_float64_a_row_and_nothing_for_nothing(ranker: Ranker) -> None:
    assert ranker.predict(data().features).dtype == np.float64
    assert ranker.predict(np.empty((0, 3), np.float32)).shape == (0,)


@pytest.mark.parametrize("size", [1, 7, 800])
def test_a_score_does_not_depend_on_the_batch_or_the_threads(ranker: Ranker, size: int) -> None:
    features = data(seed=2).features
    parts = [ranker.predict(features[i : i + size], threads=2) for i in range(0, len(features), size)]
    assert np.concatenate(parts).tobytes() == ranker.predict(features).tobytes()


def test_the_text_is_all_of_it(ranker: Ranker) -> None:
    again = Ranker.from_text(ranker.text, NAMES)
    assert again == ranker
    assert again.predict(data().features).tobytes() == ranker.predict(data().features).tobytes()


def test_progress_is_told_after_each_tree() -> None:
    told: list[int] = []
    train(data(), NAMES, PARAMS, told.append)
    assert told == list(range(1, 11))


def test_the_importance_names_the_feature_that_decides_and_adds_up(ranker: Ranker) -> None:
    assert ranker.importance == {}
    found = ranker.explained(data(seed=1).features).importance
    for kind in ("gain", "contribution"):
        assert set(found[kind]) == set(NAMES)
        assert next(iter(found[kind])) == "good"
        assert found[kind]["good"] > 5 * found[kind]["noise"]
    assert sum(found["gain"].values()) == pytest.approx(1, abs=1e-5)


def test_contributions_are_how_far_the_features_move_the_score() -> None:
    """With a single feature, that is the score less what it is without knowing anything."""
    one = replace(data(), features=data().features[:, :1])
    ranker = train(one, ("good",), PARAMS)
    scores = ranker.predict(one.features)
    base = scores.mean()
    found = ranker.explained(one.features).importance["contribution"]["good"]
    assert found == pytest.approx(np.abs(scores - base).mean(), rel=0.02)


def test_trees_stop_where_they_order_what_they_did_not_see_no_better() -> None:
    """Where labels are drawn by lot nothing can be learnt, and where they follow a feature much can."""
    patient = params(ranker={**CHOSEN, "trees": 60, "patience": 5, "learning_rate": 0.05})
    learnable = enough_trees(data(), data(seed=1), NAMES, patient)
    lot = np.random.default_rng(5)
    drawn = [replace(data(seed), labels=lot.permutation(data(seed).labels)) for seed in (0, 1)]
    assert 1 <= enough_trees(*drawn, NAMES, patient) < learnable <= 60


def test_as_many_trees_are_grown_as_are_asked_for(ranker: Ranker) -> None:
    assert ranker.trees == 10
    assert train(data(), NAMES, PARAMS, trees=3).trees == 3


def test_examples_so_few_that_lightgbm_takes_none_are_the_datas_fault() -> None:
    """Of a single row a share of .7 is none. Of four, a tree of one leaf comes."""
    drawn = params(ranker={**CHOSEN, "row_share": 0.7})
    one = Examples(data().features[:1], np.ones(1, np.int8), np.ones(1, int))
    for work in (lambda: train(one, NAMES, drawn), lambda: enough_trees(one, data(), NAMES, drawn)):
        with pytest.raises(DataError, match=r"(?s)LightGBM cannot train on 1 examples \(.*\)\. Load more history"):
            work()
    four = train(Examples(data().features[:4], np.array([1, 0, 0, 0], np.int8), np.array([4])), NAMES, drawn)
    assert four.predict(data().features).tolist() == [0.0] * 800


def test_other_features_are_refused(ranker: Ranker) -> None:
    with pytest.raises(BundleError, match="trained on good noise other, not on good other noise"):
        Ranker.from_text(ranker.text, ("good", "other", "noise"))


def changed(text: str, pattern: str, new: str) -> str:
    out, n = re.subn(pattern, new, text, count=1, flags=re.MULTILINE)
    assert n == 1, pattern
    return out


def resized(text: str) -> str:
    """The text with tree_sizes put right, so that the fault behind them is what is found."""
    head, *blocks = text.split("\nTree=")
    ends = [*blocks[:-1], blocks[-1].split("end of trees")[0]]
    sizes = [len(f"Tree={block}".encode()) + (1 if block is not ends[-1] else 0) for block in ends]
    return text.replace(head, re.sub(r"tree_sizes=.*", "tree_sizes=" + " ".join(map(str, sizes)), head))


@pytest.mark.parametrize(
    ("pattern", "new", "said"),
    [
        (r"^version=v4", "version=v3", "not LightGBM's tree format v4"),
        (r"^max_feature_idx=2", "max_feature_idx=90", "max_feature_idx is '90', not 2"),
        (r"^num_class=1", "num_class=9", "num_class is '9', not 1"),
        (r"^objective=lambdarank", "objective=custom", "objective is 'custom', not lambdarank"),
        (r"^tree_sizes=\d+", "tree_sizes=1", "tree 0 is announced with 1 bytes"),
        (r"^tree_sizes=\d+ ", "tree_sizes=", "tree_sizes needs 10 numbers"),
        (r"^num_leaves=\d+", "num_leaves=900", "leaf_value needs 900 numbers"),
        (r"^num_leaves=\d+", "num_leaves=99999999", "has 99999999 leaves"),
        (r"^num_leaves=\d+", "num_leaves=-5", "has -5 leaves"),
        (r"^split_feature=\d+", "split_feature=77", "to 77, and there are 3"),
        (r"^split_feature=\d+", "split_feature=-4", "splits on features -4 to"),
        (r"^left_child=\S+", "left_child=5000", "a split or leaf that is nobody's child"),
        (r"^left_child=\S+", "left_child=0", "a split or leaf that is nobody's child"),
        (r"^right_child=\S+", "right_child=-9999", "a split or leaf that is nobody's child"),
        (r"^decision_type=\d+", "decision_type=1", "a decision type that is not numerical"),
        (r"^num_cat=0", "num_cat=3", "num_cat 3"),
        (r"^is_linear=0", "is_linear=1", "is_linear 1"),
        (r"^leaf_value=\S+", "leaf_value=nan", "leaf_value needs 5 numbers and is 'nan"),
        (r"^leaf_value=\S+", "leaf_value=0x", "leaf_value needs 5 numbers and is '0x"),
        (r"^threshold=", "treshold=", "a line that does not belong there: 'treshold="),
        (r"^shrinkage=\S+", "shrinkage=0.1 0.2", "shrinkage needs 1 numbers and is '0.1 0.2'"),
        (r"^shrinkage=\S+\n", "", "shrinkage is missing"),
        (r"^num_leaves=5", "num_leaves=0_5", "num_leaves needs 1 numbers and is '0_5'"),  # Python's int would take it
        (r"^num_cat=0", "num_cat=0\nnum_cat=0", "a key that stands twice"),
        (r"^feature_infos=\S+", "feature_infos=[0:1]]]", "feature_infos does not have an entry a feature"),
        (r"end of trees\n", "", "it is cut off, or goes on after its trees"),
        (r"end of trees\n", "end of trees\nparameters:\n[boosting: gbdt]\n", "goes on after its trees"),
        (r"good", "góod", "it is cut off"),
    ],
)
def test_a_damaged_text_is_refused_before_lightgbm_reads_it(ranker: Ranker, pattern: str, new: str, said: str) -> None:
    text = changed(ranker.text, pattern, new)
    text = text if "tree_sizes" in pattern or "trees" in pattern else resized(text)
    with pytest.raises(BundleError, match=re.escape(said)):
        Ranker.from_text(text, NAMES)


def test_children_that_go_in_a_circle_are_refused(ranker: Ranker) -> None:
    """Splits 1 and 2 each name the other where one named the other: every child still stands once."""
    tree = re.search(r"Tree=0.*?left_child=(\S[^\n]*)\nright_child=([^\n]*)", ranker.text, re.DOTALL)
    assert tree is not None
    left, right = (list(map(int, tree[i].split())) for i in (1, 2))
    nodes = [n for n in (*left, *right) if n > 0]
    assert len(nodes) >= 2
    side, at = next((s, s.index(n)) for s in (left, right) for n in nodes if n in s and s.index(n) > 0)
    loop = at  # this split becomes its own child, and its old child hangs where it hung
    for other in (left, right):
        if loop in other:
            other[other.index(loop)] = side[at]
    side[at] = loop
    text = ranker.text.replace(tree[1], " ".join(map(str, left)), 1).replace(tree[2], " ".join(map(str, right)), 1)
    with pytest.raises(BundleError, match="has a split below itself"):
        Ranker.from_text(resized(text), NAMES)


@settings(max_examples=200, deadline=None)
@given(at=st.floats(0, 0.9), flip=st.integers(0, 255), length=st.integers(1, 40))
def test_no_flipped_bytes_get_a_wild_tree_past_the_check(ranker: Ranker, at: float, flip: int, length: int) -> None:
    """What passes is read and predicts: LightGBM is never handed an index outside its arrays."""
    start = int(at * len(ranker.text))
    raw = bytearray(ranker.text.encode())
    raw[start : start + length] = bytes(byte ^ flip for byte in raw[start : start + length])
    text = raw.decode("latin-1")
    try:
        read = Ranker.from_text(text, NAMES)
    except BundleError:
        return
    assert np.isfinite(read.predict(data().features[:5])).all()
