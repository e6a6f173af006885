from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from synthmed.bank import build_bank, make_spec
from synthmed.bank.background import estimate_background
from synthmed.bank.emptied import BackdropBuilder, ClickedObjects, emptied, object_mask
from synthmed.bank.objects import find_objects
from synthmed.points import read_csv
from synthmed.points.regions import Block

LIGHT = 200


def scene(
    centers: list[tuple[int, int]], radius: int, shape: tuple[int, int] = (120, 160)
) -> NDArray[np.uint8]:
    """Dark discs on a light background with noise."""
    rng = np.random.default_rng(0)
    image = rng.normal(LIGHT, 2, (*shape, 3))
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    for row, column in centers:
        image[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = 60
    return np.clip(image, 0, 255).astype(np.uint8)


def emptied_of(image: NDArray[np.uint8], centers: list[tuple[int, int]]) -> NDArray[np.uint8]:
    """The image without the objects at some clicks, all of 20 px."""
    at_px, sizes_px, background = points_px(centers), np.full(len(centers), 20.0), estimate_background(image)
    owners = find_objects(image, at_px, sizes_px, background).labels
    return emptied(image, ClickedObjects(at_px, sizes_px, owners), background, np.random.default_rng(0))


def points_px(centers: list[tuple[int, int]]) -> NDArray[np.float64]:
    return np.array(centers, dtype=np.float64).reshape(-1, 2)


@pytest.mark.parametrize(
    ("centers", "sizes", "expected"),
    [
        ([], [], 0),
        ([(3.5, 3.5)], [2.0], 5),
        ([(3.5, 3.5)], [0.1], 1),
        ([(-5.0, 3.0)], [2.0], 0),
        ([(0.0, 0.0)], [4.0], 3),
    ],
)
def test_object_mask(centers: list[tuple[float, float]], sizes: list[float], expected: int) -> None:
    mask = object_mask((8, 9), np.array(centers).reshape(-1, 2), np.array(sizes), 1.0)
    assert mask.shape == (8, 9)
    assert mask.sum() == expected


@pytest.mark.parametrize("centers", [[], [(60, 80)], [(60, 80), (60, 101), (20, 30)], [(4, 4), (119, 159)]])
def test_clicked_objects_are_gone(centers: list[tuple[int, int]]) -> None:
    image = scene(centers, 10)
    empty = emptied_of(image, centers)
    assert empty.min() > LIGHT - 25
    assert empty.mean() == pytest.approx(LIGHT, abs=2)


def test_an_object_goes_whole_although_the_click_is_off_its_centre() -> None:
    image = scene([(60, 80)], 10)
    empty = emptied_of(image, [(64, 85)])
    assert empty.min() > LIGHT - 25


def test_what_was_not_clicked_stays() -> None:
    image = scene([(60, 80), (30, 30)], 10)
    empty = emptied_of(image, [(60, 80)])
    assert empty[30, 30].tolist() == [60, 60, 60]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ["image,x,y,label,split"]
    for number, split in enumerate(["train", "train", "val", "train"]):
        Image.fromarray(scene([(60, 80), (20, 30)], 10)).save(tmp_path / f"{number}.png")
        rows += [f"{number}.png,80.5,60.5,cell,{split}", f"{number}.png,30.5,20.5,cell,{split}"]
    (tmp_path / "points.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


@pytest.mark.parametrize(("wanted", "made"), [(0, 0), (2, 2), (9, 3)])
def test_a_bank_has_backdrops_of_train_images(folder: Path, wanted: int, made: int) -> None:
    points = read_csv(folder / "points.csv", folder)
    spec = make_spec(sizes_px={"cell": 20.0}, backdrops=wanted, keep_duplicates=True)
    bank = build_bank(points, folder, spec)
    assert len(bank.backdrops) == made
    assert "2.png" not in {bank.images[index] for index in bank.backdrops.image_index}
    assert len(set(bank.backdrops.image_index.tolist())) == made
    again = build_bank(points, folder, spec)
    assert np.array_equal(again.backdrops.pixels, bank.backdrops.pixels)


def block_of(image: NDArray[np.uint8]) -> Block:
    core_px = np.array([(0, 0), image.shape[:2]])
    return Block(image, np.zeros(2, np.int64), np.zeros(0, np.int64), np.zeros(0, bool), core_px)


def test_of_a_large_image_a_part_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthmed.bank.emptied._LARGEST_PX", 100)
    image = scene([(60, 80)], 10, (120, 800))
    background, owners = estimate_background(image), np.zeros((120, 800), dtype=np.int32)
    builder = BackdropBuilder(1, make_spec(sizes_px={"cell": 20.0}, backdrops=1))
    objects = ClickedObjects(points_px([(60, 80)]), np.full(1, 20.0), owners)
    for image_index in (0, 0, 1):
        builder.add(image_index, block_of(image), objects, background)
    backdrops = builder.backdrops()
    assert backdrops.shapes_px.tolist() == [[100, 100]]
    assert backdrops.image_index.tolist() == [0]
    assert backdrops.pixels.min() > LIGHT - 25


def test_all_backdrops_together_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthmed.bank.emptied._ALL_PX", 50_000)
    image = scene([], 10)
    builder = BackdropBuilder(9, make_spec(sizes_px={"cell": 20.0}))
    for image_index in range(9):
        owners = np.zeros(image.shape[:2], dtype=np.int32)
        objects = ClickedObjects(points_px([]), np.zeros(0), owners)
        builder.add(image_index, block_of(image), objects, estimate_background(image))
    assert len(builder.backdrops()) == 50_000 // (120 * 160)


def test_what_belongs_to_objects_is_worked_out_once_for_backdrop_and_distractors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        Image.fromarray(scene([(60, 80)], 10)).save(tmp_path / f"{number}.png")
    rows = [f"{number}.png,80.5,60.5,cell,train" for number in range(3)]
    (tmp_path / "points.csv").write_text("\n".join(["image,x,y,label,split", *rows]) + "\n")
    calls = []

    def counted(*arguments: Any) -> NDArray[np.bool_]:
        calls.append(arguments)
        return object_mask(*arguments)

    monkeypatch.setattr("synthmed.bank.emptied.object_mask", counted)
    spec = make_spec(sizes_px={"cell": 20.0}, keep_duplicates=True)
    bank = build_bank(read_csv(tmp_path / "points.csv", tmp_path), tmp_path, spec)
    assert (len(bank.backdrops), len(set(bank.distractors.image_index.tolist()))) == (3, 3)
    assert len(calls) == 3


@pytest.mark.parametrize("seed", range(4))
def test_backdrops_of_slides_keep_no_clicked_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Blocks overlap, and an object whose click lies on the next one may reach into this one."""
    monkeypatch.setattr("synthmed.points.regions.LARGE_PX", 10_000)
    monkeypatch.setattr("synthmed.points.regions._BLOCK_PX", 96)
    rng = np.random.default_rng(seed)
    centers = [(int(r), int(c)) for r, c in rng.integers(0, (300, 400), size=(25, 2))]
    Image.fromarray(scene(centers, 20, (300, 400))).save(tmp_path / "slide.png")
    rows = [f"slide.png,{c + 0.5},{r + 0.5},cell,train" for r, c in centers]
    (tmp_path / "points.csv").write_text("\n".join(["image,x,y,label,split", *rows]) + "\n")
    spec = make_spec(sizes_px={"cell": 40.0}, backdrops=4, border="pad", keep_duplicates=True)
    backdrops = build_bank(read_csv(tmp_path / "points.csv", tmp_path), tmp_path, spec).backdrops
    assert len(backdrops) == 4
    assert backdrops.pixels.min() > 120
