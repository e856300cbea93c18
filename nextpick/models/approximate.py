"""Each user's best items by inner product, approximate: of a very large catalogue only a likely part is looked at.

The items are cut into lists by k-means, and a user's best are looked for in the lists that are nearest (faiss's IVF).
So that near means a high product, every item gets one more coordinate that makes it as long as the longest, and every
user a 0: Bachrach et al., *Speeding Up the Xbox Recommender System Using a Euclidean Transformation for Inner-Product
Spaces* (RecSys 2014). Without it, and by graphs (HNSW) even with it, most of the best are missed: item vectors of
matrix factorisation differ in length by a factor of hundreds.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nextpick.errors import ConfigError
from nextpick.models.topn import Barred, Exact

_ITEMS_PER_LIST = 40  # at least, or faiss says that it is too few to learn from
_LEARNT_FROM = 64  # items a list, of those k-means sees: more cost much and change little


@dataclass(frozen=True)
class Approximate:
    """Item vectors as Exact has them; of about 4 * sqrt(items) lists `probes` are looked into."""

    item_factors: np.ndarray
    probes: int

    def top(self, vectors: np.ndarray, n: int, barred: Barred, threads: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """As Exact.top, but that some of the best are left out, and equal scores are in any order.

        A user who finds fewer than n that are not barred gets the exact answer.
        """
        engine = _faiss()
        engine.omp_set_num_threads(threads)  # of this thread alone
        wide = vectors.astype(np.float64)
        lengths = np.linalg.norm(wide, axis=1, keepdims=True)
        units = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
        asked = n + min(n, int(np.diff(barred.indptr).max(initial=0)))
        scores, items = self._index.search(np.hstack([units, np.zeros_like(lengths)]).astype(np.float32), asked)
        scores = scores * (lengths * self._longest)
        off = _off(items, barred, len(self.item_factors)) | (items < 0)
        order = np.argsort(off, axis=1, kind="stable")[:, :n]
        kept = ~np.take_along_axis(off, order, 1)
        items = np.where(kept, np.take_along_axis(items, order, 1), -1).astype(np.int32)
        scores = np.where(kept, np.take_along_axis(scores, order, 1), -np.inf).astype(np.float32)
        few = np.flatnonzero(items[:, -1] < 0)
        if len(few):
            items[few], scores[few] = self._exact.top(
                np.asarray(vectors[few], np.float32), n, barred.some(few), threads
            )
        return items, scores

    @cached_property
    def _exact(self) -> Exact:
        return Exact(self.item_factors)

    @cached_property
    def _longest(self) -> float:
        return float(np.linalg.norm(np.nan_to_num(self.item_factors).astype(np.float64), axis=1).max()) or 1.0

    @cached_property
    def _index(self) -> Any:
        """Built anew in each process, always the same: it is not worth keeping, and no file is to be trusted."""
        engine = _faiss()
        engine.omp_set_num_threads(1)
        rows = np.flatnonzero(~np.isnan(self.item_factors[:, 0]))
        known = self.item_factors[rows] / self._longest
        rest = np.maximum(1 - np.einsum("ij,ij->i", known, known), 0)
        known = np.hstack([known, np.sqrt(rest)[:, None]]).astype(np.float32)
        lists = max(1, min(round(4 * len(rows) ** 0.5), len(rows) // _ITEMS_PER_LIST))
        nearest = engine.IndexFlatL2(known.shape[1])
        index = engine.IndexIVFFlat(nearest, known.shape[1], lists, engine.METRIC_INNER_PRODUCT)
        index.cp.spherical, index.cp.max_points_per_centroid = False, _LEARNT_FROM
        index.nprobe = min(self.probes, lists)
        index.train(known)
        index.add_with_ids(known, rows)
        return index


def index_of(item_factors: np.ndarray, probes: int) -> Exact | Approximate:
    """The approximate index of these items (float32, NaN where unknown), or with 0 probes the exact one."""
    return Approximate(item_factors, probes) if probes and not np.isnan(item_factors).all() else Exact(item_factors)


def _off(items: np.ndarray, barred: Barred, n_items: int) -> np.ndarray:
    """Which of the items (users, n) are barred to their user: bool."""
    owners = np.repeat(np.arange(len(items)), np.diff(barred.indptr))
    pairs = np.append(owners * n_items + barred.item_rows, np.iinfo(np.int64).max)
    asked = np.arange(len(items))[:, None] * n_items + items
    return np.asarray(pairs[np.searchsorted(pairs, asked)] == asked)


def _faiss() -> Any:
    try:
        import faiss  # late: only a catalogue of that size needs it
    except ImportError:
        raise ConfigError(
            "als.approximate_above asks for an approximate index, which needs faiss, and that is not installed: "
            "pip install 'nextpick[approximate]'; or set it to null and train again."
        ) from None
    return faiss
