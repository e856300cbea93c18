"""Whose the challenger's answers are: such a share of users, the same ones every time."""

import numpy as np

from nextpick.release.arm import is_challengers

USERS = [f"user-{i}" for i in range(20_000)]


def theirs(share: float, salt: str = "one") -> set[str]:
    return {user for user in USERS if is_challengers(user, salt, share)}


def test_such_a_share_of_users_is_the_challengers_and_stays_so_while_the_share_grows() -> None:
    tenth, half = theirs(0.1), theirs(0.5)
    for found, share in ((tenth, 0.1), (half, 0.5)):
        assert abs(len(found) / len(USERS) - share) < 4 * np.sqrt(share * (1 - share) / len(USERS))
    assert tenth < half
    assert theirs(0.1) == tenth
    assert theirs(0.0) == set()
    assert theirs(1.0) == set(USERS)


def test_another_split_draws_anew() -> None:
    one, other = theirs(0.5), theirs(0.5, "other")
    assert abs(len(one & other) / len(USERS) - 0.25) < 0.02


def test_nobody_known_is_the_defaults() -> None:
    assert not is_challengers(None, "one", 1.0)
    assert not is_challengers("user-1", "", 1.0)
    assert is_challengers("", "one", 1.0)
    assert is_challengers("ü" * 256, "one", 1.0)
