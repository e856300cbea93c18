"""What a candidate generator is: fitted on histories, it scores items for any history, known or new."""

from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

import numpy as np

from nextpick.features.histories import Histories
from nextpick.params import Params

if TYPE_CHECKING:
    from nextpick.models.scored import Scored


class Scoring(Protocol):
    """What scores users' items, and need not have been fitted."""

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        """As Generator.scores."""


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


@runtime_checkable
class Sparing(Protocol):
    """A generator that finds its best without a score for every item. None need be one; it is asked where numba is."""

    def scored(self, histories: Histories, user_rows: np.ndarray) -> "Scored":
        """What `scores` says of these users, to the bit."""
