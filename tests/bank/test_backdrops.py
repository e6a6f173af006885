from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synthmed.bank.backdrops import NO_BACKDROPS, Backdrops, cell_medians


def test_none() -> None:
    assert len(NO_BACKDROPS) == 0


def test_each_backdrop_has_its_pixels() -> None:
    pixels = np.arange(3 * (6 + 4), dtype=np.uint8).reshape(-1, 3)
    backdrops = Backdrops(pixels, np.array([[2, 3], [4, 1]]), np.array([5, 0]))
    assert len(backdrops) == 2
    assert np.array_equal(backdrops.backdrop(0), pixels[:6].reshape(2, 3, 3))
    assert np.array_equal(backdrops.backdrop(1), pixels[6:].reshape(4, 1, 3))
    assert backdrops.illumination(1).shape == (16, 16, 3)


@pytest.mark.parametrize("shape", [(1, 1), (7, 40), (160, 33)])
def test_the_illumination_of_an_even_image_is_its_colour(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), (10, 20, 30), dtype=np.uint8)
    assert np.array_equal(cell_medians(image), np.broadcast_to([10.0, 20.0, 30.0], (16, 16, 3)))


def test_dirt_is_no_illumination() -> None:
    rows = np.repeat(np.arange(160, dtype=np.uint8)[:, None, None], 160, axis=1).repeat(3, axis=2)
    dirty = rows.copy()
    dirty[::4, ::4] = 255
    assert np.abs(cell_medians(dirty) - cell_medians(rows)).max() <= 1
    assert cell_medians(rows)[3, 5, 0] == pytest.approx(34.5)


def test_resized_backdrops_are_kept_within_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthmed.bank.backdrops._KEPT_BYTES", 2 * 30)
    made: list[tuple[tuple[int, int], bool]] = []

    def resize(backdrop: NDArray[np.uint8], shape_px: tuple[int, int], turned: bool) -> NDArray[np.uint8]:
        made.append((shape_px, turned))
        return np.full((*shape_px, 3), backdrop[0, 0, 0], dtype=np.uint8)

    backdrops = Backdrops(np.arange(9, dtype=np.uint8).reshape(3, 3), np.ones((3, 2), int), np.arange(3))
    for index in (0, 1, 0, 2, 0, 1):
        assert backdrops.resized(index, (2, 5), index == 2, resize)[0, 0, 0] == 3 * index
    # The two last used are kept: 1 gives way to 2, and comes back at the end.
    assert len(made) == 4 and made[2] == ((2, 5), True)
    # One that is larger than the limit is made each time.
    assert backdrops.resized(0, (9, 9), False, resize).shape == (9, 9, 3)
