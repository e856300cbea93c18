"""How blocks are dealt out to tasks."""

import pytest

from nextpick.stages.precompute import Plan


@pytest.mark.parametrize(
    ("blocks", "shards"),
    [((), [[]]), ((3,), [[3]]), ((0, 1, 2), [[0], [1], [2]]), ((0, 2, 4, 6, 7), [[0, 6], [2, 7], [4]])],
)
def test_every_block_goes_to_one_of_few_tasks_and_there_is_one_even_for_nothing(
    blocks: tuple[int, ...], shards: list[list[int]]
) -> None:
    assert Plan(1, blocks, tasks=3).shards() == shards
