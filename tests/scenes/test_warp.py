from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from synthmed.bank import PatchBank
from synthmed.scenes.warp import extents, inverse_maps, warp

BankOf = Callable[..., PatchBank]


def warped(
    bank: PatchBank,
    patch: int,
    size: tuple[int, int],
    angle: float | None,
    *,
    hard: bool = False,
    pad: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Colours and matte of one patch on so many pixels, at the size that it has in the bank."""
    shape = bank.shapes_px[[patch]]
    angles = None if angle is None else np.array([angle])
    inverses = inverse_maps(shape, shape, np.zeros(1, dtype=bool), np.zeros(1, dtype=np.int64), angles)
    pixels = np.empty((size[0] * size[1], 3), dtype=np.uint8)
    matte = np.empty(size[0] * size[1], dtype=np.uint8)
    one = np.zeros(1, dtype=np.int64)
    of_bank = bank.pixels, bank.mattes, bank.offsets[[patch]], shape
    warp(*of_bank, inverses, one + pad, angle is not None, hard, one, np.array([size]), pixels, matte)
    return pixels.reshape(*size, 3), matte.reshape(size)


@pytest.mark.parametrize("angle", [0.0, 17.0, -45.0, 90.0, 133.3])
def test_turned_patches_are_those_of_scipy(bank_of: BankOf, angle: float) -> None:
    bank = bank_of(shapes=[(15, 22)], labels=(0,))
    size = (31, 30)
    pixels, matte = warped(bank, 0, size, angle)
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    back = np.array([[cosine, sine], [-sine, cosine]])
    offset = (np.array([15, 22]) - 1) / 2 - back @ ((np.array(size) - 1) / 2)
    expected = ndimage.affine_transform(
        bank.matte(0).astype(float), back, offset, size, order=1, mode="grid-constant"
    )
    assert np.abs(matte - expected).max() <= 3
    inside = matte > 0
    for channel in range(3):
        values = bank.patch(0)[..., channel].astype(float)
        expected = ndimage.affine_transform(values, back, offset, size, order=1, mode="nearest")
        assert np.abs(pixels[..., channel] - expected)[inside].max() <= 3


def test_counter_clockwise(bank_of: BankOf) -> None:
    bank = bank_of(shapes=[(6, 8)], labels=(0,))
    pixels, matte = warped(bank, 0, (8, 6), 90.0)
    assert np.array_equal(pixels, np.rot90(bank.patch(0)))
    assert np.array_equal(matte, np.rot90(bank.matte(0)))


def test_a_hard_patch_is_a_turned_rectangle(bank_of: BankOf) -> None:
    bank = bank_of(shapes=[(12, 20)], labels=(0,))
    _, matte = warped(bank, 0, (30, 30), 30.0, hard=True)
    assert set(np.unique(matte)) == {0, 255}
    assert (matte > 0).sum() == pytest.approx(12 * 20, rel=0.05)
    height = 12 * np.cos(np.pi / 6) + 20 * np.sin(np.pi / 6)
    row0, _, row1, _ = extents(matte.ravel(), 0, 30, 30, 128)
    assert row1 - row0 == pytest.approx(height, abs=1)


def test_room_round_a_patch_has_its_border_colours_and_no_matte(bank_of: BankOf) -> None:
    bank = bank_of(shapes=[(5, 7)], labels=(0,))
    pixels, matte = warped(bank, 0, (9, 11), None, pad=2)
    assert np.array_equal(pixels, np.pad(bank.patch(0), ((2, 2), (2, 2), (0, 0)), mode="edge"))
    assert np.array_equal(matte, np.pad(bank.matte(0), 2))


@pytest.mark.parametrize(
    ("matte", "expected"),
    [
        (np.zeros((3, 4)), (3, 4, 0, 0)),
        (np.full((3, 4), 127), (3, 4, 0, 0)),
        (np.full((3, 4), 128), (0, 0, 3, 4)),
        ([[0, 0, 0], [0, 255, 200], [0, 0, 0]], (1, 1, 2, 3)),
    ],
)
def test_extents(matte: np.ndarray, expected: tuple[int, ...]) -> None:
    matte = np.array(matte, dtype=np.uint8)
    assert extents(np.concatenate([[7], matte.ravel()]).astype(np.uint8), 1, *matte.shape, 128) == expected
