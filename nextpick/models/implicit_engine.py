"""implicit's solvers: the only place that knows them. They are imported when called, since a service only scores."""

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from nextpick.params import BprParams

_WORTH_THREADS = 20_000_000  # products; below, OpenMP's threads wait for each other longer than they work


def solved(confidence: csr_matrix, start: np.ndarray, others: np.ndarray, penalty: float) -> np.ndarray:
    """Half an ALS iteration, three steps of conjugate gradients from `start`: vectors, float32 (rows, factors).

    `confidence` has a row for each (float32, c >= 1), `others` are the vectors of its columns. A row's vector does not
    depend on other rows. The caller keeps BLAS to one thread: implicit has threads of its own, and tiny products.
    """
    from implicit.cpu.als import AlternatingLeastSquares

    vectors = np.ascontiguousarray(start)
    threads = 0 if confidence.nnz * start.shape[1] > _WORTH_THREADS else 1
    AlternatingLeastSquares().solver(confidence, vectors, others, penalty, num_threads=threads)
    return vectors


def bpr_factors(user_items: csr_matrix, chosen: BprParams, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Fit BPR: user and item factors, float32 (rows, factors + 1); the last column is 1 for users, the items' bias.

    In one thread: more would race for the same rows, and no fit would be like another.
    """
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    with threadpool_limits(1, "blas"):
        model = BayesianPersonalizedRanking(
            factors=chosen.factors,
            iterations=chosen.iterations,
            learning_rate=chosen.learning_rate,
            regularization=chosen.regularization,
            random_state=seed,
            num_threads=1,
        )
        model.fit(user_items, show_progress=False)
    return model.user_factors, model.item_factors
