"""What a candidate generator is: fitted on histories, it scores items for any history, known or new."""

from typing import Protocol, Self

import numpy as np

from nextpick.features.histories import Histories
from nextpick.params import Params


class Generator(Protocol):
    """A fitted generator. It keeps what it learnt of items; of users it keeps nothing, their history says it all."""

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        """Learn from everybody's histories; the same input gives the same generator, to the bit."""

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        """float32, (len(user_rows), histories.n_items): higher is better, NaN where it has no opinion.

        The row of a user does not depend, in any bit, on which others are asked for.
        """

    def arrays(self) -> dict[str, np.ndarray]:
        """All there is to save, as plain arrays."""

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """What `arrays` gave. Raises: KeyError or ValueError where they are not of this generator."""
