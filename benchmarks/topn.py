"""How near the machine's limit is the exact top-N, and how far from it are others?

    python benchmarks/topn.py --users 50000 --items 20000 --factors 64 --k 100

Every user's k best of all items by inner product, some 50 items a user filtered, one thread, CPU time: NextPick's
kernel (nextpick/models/topn.py), its plain NumPy twin, implicit's top-k and faiss's IndexFlatIP (asked for k and the
filtered, which are then left out; `pip install faiss-cpu`), in turn with a product of two 4096 x 4096 float32
matrices. Vectors are normal: no item stands out by its length, which is the hard case for a bound. The last line is

    {"of_peak": .., "vs_implicit": .., "vs_faiss": .., "identical": true, "users_per_cpu_s": .., "growth_users": ..,
     "growth_items": ..}

of_peak       2 * users * items * factors operations a CPU second over those of the large product in the same run
vs_implicit   implicit's CPU time over ours, likewise faiss's and plain's; null where it is not installed
identical     on 5,000 users: at each rank the item of a float64 sort, or one whose float64 score is within 1e-5; and
              with whole-numbered vectors, which no sum rounds, exactly its items
growth_*      p of CPU ~ size ** p, from a quarter of the users (items) to all
"""

import argparse
import importlib.util
import math
import os
import sys
from pathlib import Path

CPU = Path("/proc/cpuinfo")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy
if CPU.exists() and "avx512f" in CPU.read_text():  # OpenBLAS takes AMD's for one without; it doubles the product
    os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file, Python finds what lies beside it only
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from scipy.sparse import csr_matrix  # noqa: E402

from benchmarks.harness import Timing, alternate, ratio, report  # noqa: E402
from nextpick.models.topn import Barred, Exact, best, compiled, plain  # noqa: E402

SEEN, CHECKED, AT_ONCE, LARGE = 50, 5000, 256, 4096
Answer = tuple[np.ndarray, np.ndarray]


class Work:
    """Vectors, what is barred, and the ways to the answer."""

    def __init__(self, users: int, items: int, factors: int, k: int, whole: bool = False):
        draw = np.random.default_rng(42)
        self.users, self.items = (draw.normal(size=(n, factors)).astype(np.float32) for n in (users, items))
        if whole:
            self.users, self.items = np.rint(self.users * 4), np.rint(self.items * 4)
        seen = np.unique(np.repeat(np.arange(users), SEEN) * items + draw.integers(0, items, users * SEEN))
        owners, self.seen = np.divmod(seen, items)
        indptr = np.searchsorted(owners, np.arange(users + 1)).astype(np.int64)
        self.barred, self.k = Barred(indptr, self.seen.astype(np.int32)), k

    def ours(self) -> Answer:
        return Exact(self.items).top(self.users, self.k, self.barred)

    def plain(self) -> Answer:
        parts = [slice(at, min(at + AT_ONCE, len(self.users))) for at in range(0, len(self.users), AT_ONCE)]
        found = [plain(self.users[p], self.items, self.k, self.barred.part(p.start, p.stop)) for p in parts]
        items, scores = zip(*found, strict=True)
        return np.concatenate(items), np.concatenate(scores)

    def implicit(self) -> Answer:
        from implicit.cpu.topk import topk

        shape = (len(self.users), len(self.items))
        filtered = csr_matrix((np.ones(len(self.seen), np.float32), self.barred.item_rows, self.barred.indptr), shape)
        found: Answer = topk(self.items, self.users, self.k, filter_query_items=filtered, num_threads=1)
        return found

    def faiss(self) -> Answer:
        import faiss

        faiss.omp_set_num_threads(1)
        index = faiss.IndexFlatIP(self.items.shape[1])
        index.add(self.items)
        widest = int(np.diff(self.barred.indptr).max())
        items, scores = np.empty((len(self.users), self.k), np.int64), np.empty((len(self.users), self.k), np.float32)
        for at in range(0, len(self.users), AT_ONCE):
            part = slice(at, min(at + AT_ONCE, len(self.users)))
            high, found = index.search(self.users[part], min(self.k + widest, len(self.items)))
            own = self.barred.part(part.start, part.stop)
            keys = np.repeat(np.arange(len(found)), np.diff(own.indptr)) * len(self.items) + own.item_rows
            free = ~np.isin(np.arange(len(found))[:, None] * len(self.items) + found, keys)
            order = np.argsort(~free, axis=1, kind="stable")[:, : self.k]
            items[part], scores[part] = (np.take_along_axis(x, order, 1) for x in (found, high))
        return items, scores

    def identical(self) -> bool:
        """Whether `ours` is right about some users, as the docstring above has it; no ties within rounding: exactly."""
        some = np.linspace(0, len(self.users) - 1, min(CHECKED, len(self.users))).astype(int)
        items = self.ours()[0]
        wide = self.items.astype(np.float64)
        for at in range(0, len(some), AT_ONCE):
            rows = some[at : at + AT_ONCE]
            scores = self.users[rows].astype(np.float64) @ wide.T
            for i, row in enumerate(rows):
                scores[i, self.barred.item_rows[self.barred.indptr[row] : self.barred.indptr[row + 1]]] = -np.inf
            users, right, places = best(scores, self.k)
            found, expected = scores[users, items[rows][users, places]], scores[users, right]
            near = np.abs(found - expected) <= 1e-5 * np.abs(expected)
            if not np.where(self._whole, items[rows][users, places] == right, near).all():
                return False
        return True

    @property
    def _whole(self) -> bool:
        return bool((self.items == np.rint(self.items)).all())


def main(arguments: list[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    users, items, factors, k = chosen.users, chosen.items, chosen.factors, chosen.k
    work = Work(users, items, factors, k)
    identical = work.identical() and Work(min(users, CHECKED), items, factors, k, whole=True).identical()
    square = np.random.default_rng(0).normal(size=(LARGE, LARGE)).astype(np.float32)
    others = {name: getattr(work, name) for name in ("plain", "implicit", "faiss") if _there(name)}
    fewer_users, fewer_items = Work(users // 4, items, factors, k), Work(users, items // 4, factors, k)
    timings = alternate(
        {
            "product": lambda: square @ square,
            "ours": work.ours,
            "quarter_users": fewer_users.ours,
            "quarter_items": fewer_items.ours,
            **others,
        },
        repeats=chosen.repeats,
    )
    report(timings, **_figures(timings, chosen), identical=identical, kernel=compiled() is not None)
    return 0 if identical else 1


def _figures(timings: dict[str, Timing], chosen: argparse.Namespace) -> dict[str, float | None]:
    ours = timings["ours"].median
    peak = 2 * LARGE**3 / timings["product"].median
    work = 2 * chosen.users * chosen.items * chosen.factors / ours
    print(f"the large product: {peak / 1e9:.0f} GF a CPU second, top-N {work / 1e9:.0f}", file=sys.stderr)
    versus = {
        f"vs_{name}": round(ratio(timings, name, "ours"), 2) if name in timings else None
        for name in ("implicit", "faiss", "plain")
    }
    for name in versus:
        if versus[name] is None:
            print(f"{name}: null, as it is not installed", file=sys.stderr)
    return {
        "of_peak": round(work / peak, 3),
        **versus,
        "users_per_cpu_s": round(chosen.users / ours),
        "growth_users": round(math.log(ratio(timings, "ours", "quarter_users"), 4), 3),
        "growth_items": round(math.log(ratio(timings, "ours", "quarter_items"), 4), 3),
    }


def _there(name: str) -> bool:
    return name == "plain" or importlib.util.find_spec(name) is not None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    return parser


if __name__ == "__main__":
    sys.exit(main())
