"""implicit's solver: the only place that knows it. It is imported when called, since a service only scores."""

import numpy as np
from scipy.sparse import csr_matrix

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
