"""Products of many vectors with many others, exact, so that no bit depends on how the work is cut.

A matrix product rounds in an order of its own: by the shape of the block, the place in it, the threads, the kernel
that the processor gets (measured: OpenBLAS's Haswell kernel gives a row other bits at another place of one block).
Here both sides are first rounded to whole numbers of so few bits that every partial sum is a whole number below 2**53,
which float64 holds exactly: then no order matters. It costs what a float64 product costs, about twice a float32 one,
and a vector keeps 20 to 26 bits, relative to its largest element: what float32 has, or nearly.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

_EXACT_BITS = 53  # of a float64's significand


@dataclass(frozen=True)
class Whole:
    """Vectors as whole numbers: row i is numbers[i] * scales[i], float64 both; scales are powers of 2."""

    numbers: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray) -> Self:
        """From float vectors, (n, factors), finite."""
        bits = (_EXACT_BITS - int(np.ceil(np.log2(max(vectors.shape[1], 1))))) // 2
        wide = vectors.astype(np.float64)
        _, exponents = np.frexp(np.abs(wide).max(axis=1, initial=0.0))
        scales = np.exp2(exponents - float(bits))  # |number| <= 2 ** bits, so factors * 2 ** (2 * bits) <= 2 ** 53
        return cls(np.rint(wide / scales[:, None]), scales)


def products(left: Whole, right: Whole) -> np.ndarray:
    """Every row of `left` times every row of `right`: float32, (len(left), len(right))."""
    out = left.numbers @ right.numbers.T
    out *= left.scales[:, None]
    out *= right.scales
    return out.astype(np.float32)
