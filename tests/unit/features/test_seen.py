"""The seen policy, one rule wherever it is asked."""

import numpy as np
import pytest

from nextpick.features.seen import allowed, barred
from tests.worlds import checkerboard


@pytest.mark.parametrize(("policy", "shown"), [("allow", [True, True, True]), ("exclude", [True, False, True])])
def test_exclude_bars_what_the_user_has_and_allow_nothing(policy: str, shown: list[bool]) -> None:
    assert allowed(np.array([3, 1, 2]), np.array([1, 7]), policy).tolist() == shown


@pytest.mark.parametrize("policy", ["allow", "exclude"])
def test_both_forms_of_the_rule_agree(policy: str) -> None:
    board = checkerboard()
    out = barred(board, policy)
    for user in range(len(board)):
        mine = slice(board.indptr[user], board.indptr[user + 1])
        shown = allowed(np.arange(board.n_items), board.item_rows[mine], policy)
        assert np.flatnonzero(~shown).tolist() == board.item_rows[mine][out[mine]].tolist()


def test_a_policy_nobody_knows_is_refused_by_both() -> None:
    with pytest.raises(ValueError, match="Unknown seen policy 'sometimes'; it is one of allow, exclude"):
        allowed(np.array([1]), np.array([1]), "sometimes")
    with pytest.raises(ValueError, match="Unknown seen policy 'sometimes'"):
        barred(checkerboard(), "sometimes")
