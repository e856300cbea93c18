"""implicit's solvers: the only place that knows them. They are imported when called, since a service only scores."""

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits


def solved(confidence: csr_matrix, start: np.ndarray, others: np.ndarray, penalty: float) -> np.ndarray:
    """Half an ALS iteration, three steps of conjugate gradients: vectors, float32 (rows, factors), for rows of `confidence` (float32, c >= 1).

    `others` are the vectors of its columns; the vectors begin at `start`. A row's does not depend on other rows.
    """
    from implicit.cpu.als import AlternatingLeastSquares

    vectors = np.ascontiguousarray(start)
    with threadpool_limits(1, "blas"):  # implicit has threads of its own, and its BLAS calls are tiny
        AlternatingLeastSquares().solver(confidence, vectors, others, penalty)
    return vectors


def bpr_item_factors(
    user_items: csr_matrix, factors: int, iterations: int, learning_rate: float, regularization: float, seed: int
) -> np.ndarray:
    """Fit BPR and return its item factors, float32 (items, factors + 1): the last column is the items' bias.

    In one thread: more would race for the same rows, and no fit would be like another.
    """
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    with threadpool_limits(1, "blas"):
        model = BayesianPersonalizedRanking(
            factors=factors,
            iterations=iterations,
            learning_rate=learning_rate,
            regularization=regularization,
            random_state=seed,
            num_threads=1,
        )
        model.fit(user_items, show_progress=False)
    return np.asarray(model.item_factors, np.float32)
