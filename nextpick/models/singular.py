"""Singular vectors of a sparse matrix, by random projection.

Halko, Martinsson, Tropp, *Finding structure with randomness* (SIAM Review 2011), algorithm 4.4: subspace iteration.
"""

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

_SPARE = 16  # vectors more than asked for, while iterating
_ITERATIONS = 4


def right_singular_vectors(matrix: csr_matrix, rank: int, seed: int) -> np.ndarray:
    """The first `rank` of float32 `matrix`, or as many as it can have: float32 (columns, rank), best first.

    BLAS works in one thread: another number of them would round otherwise.
    """
    width = min(rank + _SPARE, *matrix.shape)
    with threadpool_limits(1, "blas"):
        basis = np.random.default_rng(seed).normal(size=(matrix.shape[1], width)).astype(np.float32)
        across = matrix.T.tocsr()
        for _ in range(_ITERATIONS):
            basis = np.linalg.qr(across @ (matrix @ basis))[0]
        image = matrix @ basis
        strengths, turns = np.linalg.eigh((image.T @ image).astype(np.float64))
        order = np.argsort(-strengths)[: min(rank, width)]
        return (basis @ turns[:, order].astype(np.float32)).astype(np.float32)
