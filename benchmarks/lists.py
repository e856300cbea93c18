"""How many users' lists does a CPU second make, all of it: pool, features, ranker, cut?

    python benchmarks/lists.py --users 50000 --items 20000

A world is drawn, not learnt, since only the work counts: some 50 items a user from a few clusters, ALS of 64 factors,
two generators of 300 neighbours an item, buy-again and popular, pool sizes as params.yaml ships them, and a ranker of
200 trees of 15 leaves. The lists of --measured users are made in turn with what numba compiles and without it, by one
thread. The last line is

    {"users_per_cpu_s": .., "plain_users_per_cpu_s": .., "identical": true, "mb": ..}

identical says that both made the same bytes; mb is the most memory the process ever held.
"""

import argparse
import hashlib
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file, Python finds what lies beside it only
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from scipy.sparse import csr_matrix  # noqa: E402

from benchmarks.harness import alternate, report  # noqa: E402
from nextpick.data.split import Windows  # noqa: E402
from nextpick.features.histories import Histories, of_users  # noqa: E402
from nextpick.features.items import ITEM_FEATURES, ItemTable  # noqa: E402
from nextpick.features.pair import feature_names, pair_features  # noqa: E402
from nextpick.idmap import IdMap  # noqa: E402
from nextpick.models.bundle import Bundle  # noqa: E402
from nextpick.models.examples import Examples  # noqa: E402
from nextpick.models.generator import Generator  # noqa: E402
from nextpick.models.generators.als import Als  # noqa: E402
from nextpick.models.generators.bought_together import BoughtTogether  # noqa: E402
from nextpick.models.generators.buy_again import BuyAgain  # noqa: E402
from nextpick.models.generators.ease import Ease  # noqa: E402
from nextpick.models.generators.popular import Popular  # noqa: E402
from nextpick.models.neighbours import Neighbours  # noqa: E402
from nextpick.models.pool import build_pool  # noqa: E402
from nextpick.models.ranker import train  # noqa: E402
from nextpick.params import load_params  # noqa: E402
from nextpick.release.precompute import Inputs, list_blocks  # noqa: E402
from nextpick.schema import US_PER_DAY  # noqa: E402

AS_OF, SEEN, CLUSTER, FACTORS, NEIGHBOURS, LEARNT = 1_760_000_000_000_000, 50, 400, 64, 300, 500
PARAMS = load_params(ROOT / "params.yaml")


def drawn_histories(draw: np.random.Generator, users: int, items: int) -> Histories:
    """Each user's items lie in three clusters of neighbouring rows."""
    centres = draw.integers(0, items, (users, 3))
    rows = (centres[:, draw.integers(0, 3, SEEN)] + draw.integers(0, CLUSTER, (users, SEEN))) % items
    owners, item_rows = np.divmod(np.unique(np.arange(users)[:, None] * items + rows), items)
    n = len(owners)
    last = AS_OF - draw.integers(1, 200 * US_PER_DAY, n)
    counts = draw.integers(1, 5, n).astype(np.int32)
    return Histories(
        AS_OF, items, np.searchsorted(owners, np.arange(users + 1)).astype(np.int64), item_rows.astype(np.int32),
        counts, counts.astype(np.float32), last - draw.integers(0, 90 * US_PER_DAY, n), last,
    )  # fmt: skip


def drawn_generators(draw: np.random.Generator, known: Histories) -> dict[str, Generator]:
    """In the order of params.yaml; an item's neighbours are items of rows near its own."""
    items = known.n_items

    def near() -> Neighbours:
        columns = (np.arange(items)[:, None] + draw.integers(1, CLUSTER, (items, NEIGHBOURS))) % items
        columns.sort(axis=1)
        weights = csr_matrix((items, items), dtype=np.float32)
        weights.indptr = np.arange(items + 1) * NEIGHBOURS
        weights.indices, weights.data = columns.ravel(), draw.random(columns.size, np.float32)
        weights.sum_duplicates()
        return Neighbours(weights)

    factors = draw.normal(size=(items, FACTORS)).astype(np.float32) / FACTORS**0.5
    made = {
        "als": Als(factors, 10.0, 50.0, 0.0, SEEN, 60.0),
        "ease": Ease(near(), 60.0),
        "bought_together": BoughtTogether(near(), 7.0),
        "buy_again": BuyAgain.fit(known, PARAMS),
        "popular": Popular.fit(known, PARAMS),
    }
    return {name: made[name] for name in PARAMS.generators}


def drawn_world(users: int, items: int) -> tuple[Bundle, Inputs]:
    """The ranker learns to prefer what scores well, so that its trees are as deep and uneven as real ones."""
    draw = np.random.default_rng(42)
    known = drawn_histories(draw, users, items)
    generators = drawn_generators(draw, known)
    features = draw.lognormal(0, 1, (items, len(ITEM_FEATURES))).astype(np.float32)
    names = tuple(f"i{i}" for i in range(items))
    table = ItemTable(
        features, names, tuple((f"c{i // CLUSTER}",) for i in range(items)), features[:, -1].astype(float)
    )
    rows = np.arange(min(LEARNT, users), dtype=np.int32)
    pool = build_pool(generators, PARAMS.pool, rows, known, "exclude")
    made = pair_features(pool, known, table, AS_OF)
    pull = np.nan_to_num(pool.scores).sum(axis=1) + draw.normal(size=len(made))
    labels = (pull > np.quantile(pull, 0.95)).astype(np.int8)
    chosen = PARAMS.model_copy(update={"ranker": PARAMS.ranker.model_copy(update={"trees": 200})})
    sizes = np.unique(pool.user_rows, return_counts=True)[1]
    ranker = train(Examples(made, labels, sizes), feature_names(tuple(generators)), chosen)
    windows = Windows((AS_OF - 2,), AS_OF - 1, AS_OF)
    user_ids = IdMap(tuple(f"u{i}" for i in range(users)))
    bundle = Bundle(user_ids, IdMap(names), table, generators, ranker, chosen, windows, {}, "")
    return bundle, Inputs(user_ids, known, table, np.zeros(items, bool))


def digest(bundle: Bundle, inputs: Inputs) -> str:
    """Makes the lists of everybody in `inputs`, and names them."""
    found = hashlib.sha256()
    for block in list_blocks(bundle, inputs, threads=1):
        for array in (block.starts, block.item_rows, block.scores, block.generator_scores, block.generator_ranks):
            found.update(array.tobytes())
    return found.hexdigest()


@contextmanager
def without_numba() -> Iterator[None]:
    with patch("nextpick.models.pool.compiled", lambda: None), patch("nextpick.models.trees.compiled", lambda: None):
        yield


def plain(bundle: Bundle, inputs: Inputs) -> str:
    with without_numba():
        return digest(bundle, inputs)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--measured", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args(arguments)
    bundle, everybody = drawn_world(chosen.users, chosen.items)
    measured = np.linspace(0, chosen.users - 1, min(chosen.measured, chosen.users)).astype(np.int32)
    users = IdMap(tuple(everybody.users.ids[row] for row in measured))
    inputs = Inputs(users, of_users(everybody.histories, measured), everybody.table, everybody.hidden)
    identical = digest(bundle, inputs) == plain(bundle, inputs)
    cases = {"lists": lambda: digest(bundle, inputs), "plain": lambda: plain(bundle, inputs)}
    timings = alternate(cases, repeats=chosen.repeats)
    report(
        timings,
        users_per_cpu_s=round(len(measured) / timings["lists"].median),
        plain_users_per_cpu_s=round(len(measured) / timings["plain"].median),
        identical=identical,
        mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )
    return 0 if identical else 1


if __name__ == "__main__":
    sys.exit(main())
