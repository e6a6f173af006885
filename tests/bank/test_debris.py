from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from synthmed.bank import build_bank, make_spec, open_bank, save_bank
from synthmed.bank.background import estimate_background
from synthmed.bank.debris import debris_windows, free_place
from synthmed.bank.distractors import NO_DISTRACTORS, distractors_bytes
from synthmed.bank.emptied import object_mask
from synthmed.points import read_csv

LIGHT = 200


def picture(cells: list[tuple[int, int]], specks: list[tuple[int, int]]) -> NDArray[np.uint8]:
    """Dark discs of radius 10 and specks of radius 3 on a light background with noise."""
    rng = np.random.default_rng(0)
    image = rng.normal(LIGHT, 2, (120, 160, 3))
    rows, columns = np.mgrid[:120, :160]
    for radius, places in ((10, cells), (3, specks)):
        for row, column in places:
            image[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = 60
    return np.clip(image, 0, 255).astype(np.uint8)


def found_in(cells: list[tuple[int, int]], specks: list[tuple[int, int]]) -> list[list[float]]:
    """The middles of what is found beside clicked cells."""
    image = picture(cells, specks)
    taken = object_mask((120, 160), np.array(cells, float).reshape(-1, 2), np.full(len(cells), 20.0), 1.35)
    windows = debris_windows(image, taken, estimate_background(image), np.array([20.0]), 0.15)
    for window, matte in windows:
        assert not taken[window].any()
        assert image[window].shape[:2] == matte.shape
        # What stands out is in the matte, and the corners of the window are not.
        dark = image[window].min(axis=2) < 100
        assert (matte[dark] >= 128).all() and matte[0, 0] == matte[-1, -1] == 0
    return [[(part.start + part.stop) / 2 for part in window] for window, _ in windows]


@pytest.mark.parametrize(
    ("cells", "specks", "expected"),
    [
        ([], [], []),
        ([(60, 80)], [], []),
        ([(60, 80)], [(30, 30)], [[30.5, 30.5]]),
        ([], [(30, 30), (90, 120)], [[30.5, 30.5], [90.5, 120.5]]),
        # Beside a cell, and at the border, where an object may be cut off.
        ([(60, 80)], [(60, 93)], []),
        ([], [(2, 30), (117, 90)], []),
    ],
)
def test_what_stands_out(
    cells: list[tuple[int, int]], specks: list[tuple[int, int]], expected: list[list[float]]
) -> None:
    assert found_in(cells, specks) == expected


def test_what_is_larger_than_the_objects_is_left() -> None:
    image = picture([(60, 80)], [])
    taken = np.zeros((120, 160), dtype=bool)
    background = estimate_background(image)
    assert len(debris_windows(image, taken, background, np.array([20.0]), 0.15)) == 1
    assert debris_windows(image, taken, background, np.array([12.0]), 0.15) == []


@settings(max_examples=40)
@given(st.integers(3, 30), st.integers(3, 30), st.floats(0, 1), st.floats(3, 20), st.integers(0, 9))
def test_free_places_are_free(rows: int, columns: int, share: float, side: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    taken = rng.random((rows, columns)) < share**4
    place = free_place(taken, np.array([side]), rng)
    if place is not None:
        assert taken[place].shape == (round(side), round(side)) and not taken[place].any()
    elif round(side) <= min(rows, columns):
        assert taken.any()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ["image,x,y,label,split"]
    for number, split in enumerate(["train", "train", "val", "train"]):
        image = picture([(60, 80), (20, 30)], [(100, 30)] if number < 3 else [])
        Image.fromarray(image).save(tmp_path / f"{number}.png")
        rows += [f"{number}.png,80.5,60.5,cell,{split}", f"{number}.png,30.5,20.5,cell,{split}"]
    (tmp_path / "points.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


@pytest.mark.parametrize(("wanted", "made"), [(0, 0), (2, 2), (3, 3), (7, 7)])
def test_a_bank_has_distractors_of_train_images(folder: Path, wanted: int, made: int) -> None:
    spec = make_spec(sizes_px={"cell": 20.0}, distractors=wanted, keep_duplicates=True)
    bank = build_bank(read_csv(folder / "points.csv", folder), folder, spec)
    debris = bank.distractors
    assert len(debris) == made
    names = [bank.images[index] for index in debris.image_index]
    assert "2.png" not in names
    # The speck of an image comes first, and what else is wanted is background.
    if wanted >= 3:
        assert debris.stands_out.sum() == 2
        assert debris.centers_px[debris.stands_out].tolist() == [[100.5, 30.5]] * 2
    for k in range(made):
        height, width = debris.shapes_px[k]
        pixels = debris.pixels[debris.offsets[k] :][: height * width]
        assert (pixels.min() < 100) == debris.stands_out[k]
    save_bank(bank, folder / "bank")
    opened = open_bank(folder / "bank", verify=True)
    assert distractors_bytes(opened.distractors) == distractors_bytes(debris)


def test_distractors_of_slides_hold_no_clicked_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks overlap, and an object whose click lies on the next one may reach into this one."""
    monkeypatch.setattr("synthmed.points.regions.LARGE_PX", 10_000)
    monkeypatch.setattr("synthmed.points.regions._BLOCK_PX", 64)
    rng = np.random.default_rng(0)
    cells = [(int(r), int(c)) for r, c in rng.integers(0, (120, 160), size=(9, 2))]
    Image.fromarray(picture(cells, [])).save(tmp_path / "slide.png")
    rows = [f"slide.png,{column + 0.5},{row + 0.5},cell,train" for row, column in cells]
    (tmp_path / "points.csv").write_text("\n".join(["image,x,y,label,split", *rows]) + "\n")
    spec = make_spec(sizes_px={"cell": 20.0}, keep_duplicates=True)
    bank = build_bank(read_csv(tmp_path / "points.csv", tmp_path), tmp_path, spec)
    assert 0 < len(bank.distractors) <= 64
    assert bank.distractors.pixels.min() > LIGHT - 25


def test_no_distractors() -> None:
    assert len(NO_DISTRACTORS) == 0 and NO_DISTRACTORS.offsets.shape == (0,)
