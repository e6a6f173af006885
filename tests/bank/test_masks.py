"""Masks against the truth: hand-drawn ones of fluorescent nuclei, and the exact ones of the phantom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from synthmed.bank.background import estimate_background
from synthmed.bank.contrast import contrast_map
from synthmed.bank.fronts import REACH
from synthmed.bank.masks import segment_objects, smoothed
from synthmed.bank.segment import outline_objects
from synthmed.phantom import CLASSES, simulate
from synthmed.points import read_points
from synthmed.points.images import read_image

PHANTOM_SIZES_PX = {"RBC": 28.3, "WBC": 46.6, "Bacteria": 8.5}
NUCLEUS_PX = 24.0


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / max(one.sum() + other.sum(), 1))


def touches(instances: np.ndarray, value: int) -> bool:
    """Whether another object lies within two pixels."""
    near = ndimage.binary_dilation(instances == value, iterations=2)
    return bool(np.setdiff1d(instances[near], [0, value]).size)


def masks_of(image: np.ndarray, centers_px: np.ndarray, sizes_px: np.ndarray) -> np.ndarray:
    background = estimate_background(image)
    return segment_objects(contrast_map(image, background), centers_px, sizes_px, background.noise)


def disc(shape: tuple[int, int], center_px: tuple[float, float], radius_px: float) -> np.ndarray:
    rows, columns = np.indices(shape) + 0.5
    return np.hypot(rows - center_px[0], columns - center_px[1]) < radius_px


def picture(level: np.ndarray) -> np.ndarray:
    blurred = ndimage.gaussian_filter(level.astype(float), (1, 1, 0)[: level.ndim])
    noisy = blurred + np.random.default_rng(0).normal(0, 1, level.shape)
    grey = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return grey if grey.ndim == 3 else np.repeat(grey[:, :, None], 3, axis=2)


def test_nuclei_that_touch_and_that_do_not(shared_data: Path) -> None:
    folder = shared_data / "dsb_fixture"
    points = read_points(folder / "points.csv", folder / "images")
    scores: dict[str, list[float]] = {"free": [], "touching": [], "before": []}
    for number, name in enumerate(points.images):
        image = read_image(folder / "images" / name)
        instances = np.array(Image.open(folder / "instances" / name))
        own = (points.image_index == number) & ~points.edge
        clicks = points.centers_px[points.image_index == number]
        labels = masks_of(image, clicks, np.full(len(clicks), NUCLEUS_PX))
        without_sizes, _ = outline_objects(image, clicks)
        for k in np.flatnonzero(own[points.image_index == number]):
            value = instances[tuple(clicks[k].astype(int))]
            if value == 0:
                continue
            truth = instances == value
            kind = "touching" if touches(instances, value) else "free"
            scores[kind].append(dice(labels == k + 1, truth))
            if kind == "touching":
                scores["before"].append(dice(without_sizes == k + 1, truth))
    means = {kind: float(np.mean(values)) for kind, values in scores.items()}
    print("mean Dice of nuclei:", {kind: (round(means[kind], 3), len(scores[kind])) for kind in scores})
    assert means["free"] > 0.80
    assert means["touching"] > 0.79
    assert means["touching"] > means["before"] + 0.1  # knowing the size is what splits them


def test_cells_of_the_phantom() -> None:
    rng = np.random.default_rng(0)
    scores: dict[str, list[float]] = {name: [] for name in CLASSES}
    for index in (0, 5, 10, 15, 20, 25):
        field = simulate(7, index)
        limits = np.array(field.image.shape[:2]) - 0.01
        clicks = np.clip(field.centers_px + rng.normal(0, 1, field.centers_px.shape), 0.01, limits)
        sizes = np.array([PHANTOM_SIZES_PX[CLASSES[label]] for label in field.labels])
        labels = masks_of(field.image, clicks, sizes)
        for k in np.flatnonzero(~field.edge):
            truth = field.instance_mask == k + 1
            scores[CLASSES[field.labels[k]]].append(dice(labels == k + 1, truth))
    means = {name: float(np.mean(values)) for name, values in scores.items()}
    print("mean Dice in the phantom:", {name: (round(means[name], 3), len(scores[name])) for name in CLASSES})
    assert means["RBC"] > 0.92
    assert means["WBC"] > 0.90
    assert means["Bacteria"] > 0.70


@pytest.mark.parametrize(
    ("ground", "level"),
    [
        ((200, 200, 200), (120, 120, 120)),
        ((10, 10, 10), (90, 90, 90)),
        ((120, 120, 120), (170, 170, 170)),
        ((150, 150, 150), (190, 150, 110)),
    ],
    ids=["darker", "fluorescent", "brighter", "another colour"],
)
def test_touching_discs_go_to_their_own_clicks(ground: tuple[int, ...], level: tuple[int, ...]) -> None:
    small, large = disc((120, 160), (60, 40), 12), disc((120, 160), (60, 87), 35)
    image = picture(np.where((small | large)[..., None], level, ground))
    labels = masks_of(image, np.array([[58.0, 42.0], [64.0, 80.0]]), np.array([24.0, 70.0]))
    assert dice(labels == 1, small) > 0.9
    assert dice(labels == 2, large) > 0.95


def test_a_dark_fibre_does_not_hide_faint_cells() -> None:
    places = [(40.0, 40.0), (40.0, 110.0), (90.0, 60.0)]
    cells = [disc((130, 160), place, 16) for place in places]
    level = np.where(np.logical_or.reduce(cells), 182, 200)
    level[:, 135:150] = 20
    labels = masks_of(picture(level), np.array(places), np.full(3, 32.0))
    assert min(dice(labels == k + 1, cell) for k, cell in enumerate(cells)) > 0.9


def test_a_rim_with_a_gap_round_a_bright_centre_is_whole() -> None:
    whole = disc((80, 80), (40, 40), 16)
    level = np.where(whole, 110, 190)
    level[disc((80, 80), (40, 40), 8)] = 250
    level[36:44, 40:60] = np.where(whole[36:44, 40:60], 190, level[36:44, 40:60])
    labels = masks_of(picture(level), np.array([[41.0, 39.0]]), np.array([32.0]))
    assert labels[40, 40] == 1
    assert dice(labels == 1, whole) > 0.85


def test_an_unclicked_neighbour_is_not_followed_out_of_reach() -> None:
    clicked, other = disc((120, 200), (60, 50), 20), disc((120, 200), (60, 88), 20)
    image = picture(np.where(clicked | other, 120, 200))
    labels = masks_of(image, np.array([[60.0, 50.0]]), np.array([40.0]))
    beyond = ~disc(clicked.shape, (60, 50), REACH * 20 + 2)
    assert dice(labels == 1, clicked) > 0.75
    assert other[beyond].any() and not labels[beyond].any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (40, 40)])
def test_an_image_of_nothing(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 9, np.uint8)
    assert not masks_of(image, np.zeros((0, 2)), np.zeros(0)).any()
    assert masks_of(image, np.array([[0.5, 0.5]]), np.array([12.0])).sum() <= 1


def test_smoothing_takes_off_what_hangs_on_by_a_neck() -> None:
    mask = disc((60, 80), (30, 30), 18) | disc((60, 80), (30, 66), 5)
    mask[29:31, 40:66] = True
    everywhere = np.ones_like(mask)
    opened = smoothed(mask, everywhere, 4.0)
    assert dice(opened, disc((60, 80), (30, 30), 18)) > 0.95
    assert np.array_equal(smoothed(mask, everywhere, 0.9), mask)
    assert not smoothed(np.zeros_like(mask), everywhere, 4.0).any()
    line = np.zeros((30, 30), dtype=bool)
    line[15, 3:27] = True
    assert np.array_equal(smoothed(line, line, 4.0), line)  # a rod is no neck
