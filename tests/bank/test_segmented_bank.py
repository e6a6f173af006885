"""Banks of segmented patches: what is kept, what is dropped and why, and what re-centring gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from synthmed.bank import BankSpec, PatchBank, build_bank, make_spec
from synthmed.errors import BankError
from synthmed.points import PointSet, read_points

SHAPE = (160, 240)
RADIUS_PX = 12


def point_set(clicks: list[tuple[float, float]], labels: list[int] | None = None) -> PointSet:
    count = len(clicks)
    return PointSet(
        classes=("cell", "other"),
        images=("0.png",),
        image_shapes_px=np.array([SHAPE]),
        splits=("train",),
        groups=("s1",),
        centers_px=np.array(clicks, dtype=float),
        image_index=np.zeros(count, dtype=np.int64),
        labels=np.array(labels or [0] * count),
        annotation_ids=np.arange(count).astype(str),
        edge=np.zeros(count, dtype=bool),
        sizes_px=np.full((count, 2), np.nan),
    )


def draw(folder: Path, centers: list[tuple[float, float]], blurs: list[float] | None = None) -> None:
    """Dark discs with a grain of their own, so that no two are alike."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices(SHAPE) + 0.5
    image = np.full(SHAPE, 200.0)
    for center, blur in zip(centers, blurs or [1.0] * len(centers), strict=True):
        mask = np.hypot(rows - center[0], columns - center[1]) < RADIUS_PX
        grain = ndimage.gaussian_filter(rng.normal(0, 40, SHAPE), 1.5)
        image += ndimage.gaussian_filter(np.where(mask, -90 + grain, 0), blur)
    image += rng.normal(0, 1, SHAPE)
    Image.fromarray(np.clip(np.rint(image), 0, 255).astype(np.uint8)).save(folder / "0.png")


def build(folder: Path, clicks: list[tuple[float, float]], **options: object) -> PatchBank:
    spec = {"sizes_px": {"cell": 24.0, "other": 24.0}, "variation": 0.0, "matte": "segmented", **options}
    return build_bank(point_set(clicks), folder, BankSpec.model_validate(spec))


def test_a_segmented_patch_fits_its_object(tmp_path: Path) -> None:
    draw(tmp_path, [(50, 60), (50, 82), (110, 180)])
    bank = build(tmp_path, [(52.0, 57.0), (49.0, 85.0), (110.0, 180.0)])
    assert bank.quality.segmented.all()
    assert (np.abs(bank.shapes_px - 26) <= 4).all()
    kept = bank.matte(2) >= 128
    rows, _ = np.nonzero(kept)
    assert np.ptp(rows) + 1 == bank.quality.object_height_px[2] == pytest.approx(24, abs=2)
    assert bank.matte(2)[[0, -1]].max() < 128 and bank.matte(2)[:, [0, -1]].max() < 128
    assert bank.quality.object_diameter_px == pytest.approx(24, abs=2.5)
    # Of the disc that touches it, hardly anything comes along.
    height, width = bank.shapes_px[0]
    assert width < 24 + 4 and (bank.matte(0)[height // 2] >= 128).sum() < 25
    assert bank.other_centers.tolist() == [0, 0, 0]
    assert bank.quality.off_center_px == pytest.approx([np.hypot(2, 3), np.hypot(1, 3), 0], abs=1.2)
    assert bank.quality.nearest_px[2] > 90
    assert np.hypot(3, 28) == pytest.approx(bank.quality.nearest_px[0])


def test_every_reason_for_a_drop_is_counted(tmp_path: Path) -> None:
    places = [(30, 30), (30, 90), (30, 150), (90, 30), (90, 90), (1, 200)]
    draw(tmp_path, places, [1, 1, 1, 1, 5, 1])
    clicks = [*places[:-1], (3, 200), (130, 200), (30, 150)]
    bank = build(tmp_path, clicks, min_focus=0.6)
    (report, other) = bank.report
    assert report.points == 8
    assert report.reasons() == {"at the border": 1, "no contrast": 1, "out of focus": 1, "near-duplicate": 1}
    assert report.patches == len(bank) == 4
    assert other.points == other.patches == 0
    everything = build(tmp_path, clicks, min_contrast=0.0, keep_duplicates=True, border="pad")
    assert len(everything) == 8
    assert everything.quality.duplicate.tolist() == [False] * 7 + [True]
    assert everything.quality.truncated.tolist() == [False] * 5 + [True, False, False]
    assert not everything.quality.segmented[6]
    assert everything.report[0].unsegmented >= 1


def test_objects_that_a_neighbour_hides_are_dropped_from_segmented_banks_only(tmp_path: Path) -> None:
    places = [(40, 30), (40, 80), (40, 130), (100, 60), (100, 72)]
    draw(tmp_path, places)
    rows, columns = np.indices(SHAPE) + 0.5
    image = np.asarray(Image.open(tmp_path / "0.png")).copy()
    image[np.hypot(rows - 100, columns - 72) < RADIUS_PX] = 20  # quite another brightness
    Image.fromarray(image).save(tmp_path / "0.png")
    clicks = [*map(tuple, np.array(places[:3], dtype=float)), (100.0, 52.0), (100.0, 74.0)]
    bank = build(tmp_path, clicks)
    assert bank.report[0].hidden == 1
    assert "3" not in bank.annotation_ids
    assert build(tmp_path, clicks, matte="round").report[0].hidden == 0


def test_where_nothing_is_there_is_no_bank(tmp_path: Path) -> None:
    draw(tmp_path, [])
    with pytest.raises(BankError, match=r"none of the 2 points.*x and y swapped"):
        build(tmp_path, [(40.0, 40.0), (90.0, 140.0)])


def jittered(points: PointSet, share: float) -> tuple[PointSet, np.ndarray]:
    """Points with clicks moved by a share of their boxes, extents forgotten; and the true boxes."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, len(points))
    moved = points.centers_px + share * points.sizes_px * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    limits = points.image_shapes_px[points.image_index] - 0.01
    blind = replace(points, centers_px=np.clip(moved, 0.01, limits), sizes_px=np.full_like(moved, np.nan))
    return blind, points.centers_px


def test_recentring_on_real_cells(shared_data: Path) -> None:
    folder = shared_data / "bccd_txl"
    every = read_points(folder / "boxes_train.json", folder / "images")
    some = np.zeros(len(every.images), dtype=bool)
    some[np.random.default_rng(0).permutation(len(some))[:15]] = True
    points = every.of_images(some)
    points = replace(points, annotation_ids=np.arange(len(points)).astype(str))
    clicked, truth = jittered(points, 0.15)
    sizes = {"RBC": 97.0, "WBC": 196.0, "Platelet": 36.0}
    sizes_px = {name: sizes[name] for name in clicked.classes}
    discs = {"sizes_px": sizes_px, "matte": "round"}
    bank = build_bank(clicked, folder / "images", make_spec(**discs, recenter=True))
    found = clicked.centers_px[bank.annotation_ids.astype(int)]
    assert np.array_equal(found, bank.centers_px)  # what was clicked stays what was clicked
    without = build_bank(clicked, folder / "images", make_spec(**discs))
    before, after = (
        float(np.median([_off_px(one, i, truth, folder / "images") for i in range(len(one))]))
        for one in (without, bank)
    )
    print(f"median px from the middle of the patch to that of the box: {before:.1f}, recentred {after:.1f}")
    assert after < 0.5 * before


def _off_px(bank: PatchBank, index: int, truth: np.ndarray, images: Path) -> float:
    """Where a patch was cut is found by its pixels."""
    image = np.asarray(Image.open(images / str(bank.source_images[index])).convert("RGB"))
    patch = bank.patch(index)
    height, width = patch.shape[:2]
    near = np.rint(bank.centers_px[index] - np.array([height, width]) / 2).astype(int)
    reach = int(0.8 * height)
    for row in range(max(near[0] - reach, 0), min(near[0] + reach, image.shape[0] - height) + 1):
        line = image[row]
        hits = np.flatnonzero((line == patch[0, 0]).all(axis=1))
        for column in hits[hits <= image.shape[1] - width]:
            if np.array_equal(image[row : row + height, column : column + width], patch):
                middle = np.array([row + height / 2, column + width / 2])
                return float(np.hypot(*(middle - truth[int(bank.annotation_ids[index])])))
    raise AssertionError("a patch is no part of its image")


def test_a_halo_bank_follows_lone_objects_and_cuts_discs_of_touching_ones(tmp_path: Path) -> None:
    draw(tmp_path, [(50, 60), (50, 79), (110, 180)])
    clicks = [(50.0, 60.0), (50.0, 79.0), (112.0, 178.0)]
    bank = build(tmp_path, clicks, matte="halo")
    assert bank.quality.segmented.all()
    assert (bank.quality.touching[:2] > 0.1).all() and bank.quality.touching[2] == 0
    assert bank.shapes_px[:2].tolist() == [[24, 24]] * 2 and (bank.rims_px[:2] == 0).all()
    assert bank.object_levels.tolist() == [128, 128, 230]
    # The lone disc, clicked off its middle, lies in the middle of its patch with all of its halo.
    assert np.abs(bank.shapes_px[2] - (24 + 2 * 5)).max() <= 3
    kept = bank.matte(2) >= bank.object_levels[2]
    rows, columns = np.nonzero(kept)
    assert np.ptp(rows) + 1 == bank.quality.object_height_px[2]
    assert [rows.min(), columns.min()] == [5, 5]
    assert bank.quality.object_width_px[2] == np.ptp(columns) + 1
    # Its box has the size of its class.
    box = bank.shapes_px[2] - 2 * bank.rims_px[2]
    assert box.mean() == pytest.approx(24)


def test_boxes_run_no_farther_off_the_edge_than_the_limit(tmp_path: Path) -> None:
    draw(tmp_path, [(50, 60), (110, 180)])
    clicks = [(50.0, 60.0), (110.0, 180.0)]
    bank = build(tmp_path, clicks, matte="halo", sizes_px={"cell": 34.0, "other": 34.0})
    assert bank.quality.segmented.all()
    extents = (bank.quality.object_height_px + bank.quality.object_width_px) / 2
    boxes = (bank.shapes_px - 2 * bank.rims_px[:, None]).mean(axis=1)
    assert boxes - extents == pytest.approx(34 - extents.mean(), abs=1e-9)
    assert (boxes - extents <= 2 * 0.15 * 34 + 1e-9).all()


@pytest.mark.parametrize("matte", ["halo", "segmented"])
@pytest.mark.parametrize("border", ["shift", "pad"])
def test_patches_at_the_border_have_no_matte_beyond_it(tmp_path: Path, matte: str, border: str) -> None:
    draw(tmp_path, [(4, 60), (110, 180)])
    bank = build(tmp_path, [(8.0, 60.0), (110.0, 180.0)], matte=matte, border=border)
    assert bank.quality.truncated.tolist() == [True, False]
    kept = bank.matte(0)
    room = int((kept >= bank.object_levels[0]).any(axis=1).argmax())
    assert 0 < room and not kept[:room].any()


def test_faint_objects_of_a_halo_bank_are_discs_with_a_halo(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(180, 220, (*SHAPE, 3), dtype=np.uint8)).save(tmp_path / "0.png")
    bank = build(tmp_path, [(50.0, 60.0)], matte="halo", min_contrast=0.0)
    assert not bank.quality.segmented.any()
    assert bank.shapes_px.tolist() == [[34, 34]] and bank.rims_px.tolist() == [5]
    assert (bank.matte(0)[5:-5, 5:-5] >= 230).mean() == pytest.approx(np.pi / 4 * 0.925**2, abs=0.03)


@pytest.mark.parametrize("column", [3.0, 237.0])
def test_a_shifted_disc_ends_with_its_image(tmp_path: Path, column: float) -> None:
    """Nothing is segmented where nothing lies; the box of what is taken for a disc is what is shown."""
    draw(tmp_path, [(50, 60)])
    bank = build(tmp_path, [(50.0, 60.0), (110.0, column)], matte="halo", border="shift", min_contrast=0.0)
    assert bank.quality.segmented.tolist() == [True, False]
    rim, solid = int(bank.rims_px[1]), bank.matte(1) >= bank.object_levels[1]
    assert solid.shape == (24 + 2 * rim, 15 + 2 * rim)
    rows, columns = np.nonzero(solid)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == pytest.approx(
        (rim, rim + 23, rim, rim + 14), abs=1
    )
