from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.detect.tiles import ALIGN_PX, plan_tiles
from synthmed.errors import ModelError

SIDES = st.integers(1, 3000)


@given(height=SIDES, width=SIDES, overlap=st.integers(0, 200), more=st.integers(33, 900))
def test_cores_divide_the_image_and_tiles_reach_beyond_them(
    height: int, width: int, overlap: int, more: int
) -> None:
    tiles = plan_tiles((height, width), 2 * overlap + more + 32, overlap)
    owners = np.zeros((height, width), dtype=np.int64)
    for tile in tiles:
        owners[slice(*tile.core_rows), slice(*tile.core_columns)] += 1
        for span, core, length in (
            (tile.rows, tile.core_rows, height),
            (tile.columns, tile.core_columns, width),
        ):
            assert span[0] % ALIGN_PX == 0
            assert 0 <= span[0] <= core[0] < core[1] <= span[1] <= length
            assert span[1] - span[0] <= 2 * overlap + more + 32 + ALIGN_PX
            assert core[0] == 0 or core[0] - span[0] >= overlap / 2
            assert core[1] == length or span[1] - core[1] >= min(overlap / 2, length - core[1])
    assert (owners == 1).all()


@pytest.mark.parametrize(
    ("shape", "count"), [((1, 1), 1), ((192, 192), 1), ((193, 192), 2), ((500, 500), 16), ((97, 2000), 16)]
)
def test_count(shape: tuple[int, int], count: int) -> None:
    assert len(plan_tiles(shape, 192, 64)) == count


def test_tiles_must_be_larger_than_twice_their_overlap() -> None:
    with pytest.raises(ModelError, match=r"tiles of 128 px with an overlap of 64 px.*larger --tile"):
        plan_tiles((500, 500), 128, 64)
