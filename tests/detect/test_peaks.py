"""A classifier as a detector: boxes stand on the peaks of its maps, with scores on one scale."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.detect import (
    LookOptions,
    ModelFacts,
    Outputs,
    PeakDetector,
    detect_images,
    find_images,
    least_scores,
)
from synthmed.detect.peaks import as_scores, peak_boxes
from synthmed.errors import ModelError
from synthmed.points import read_points
from tests.detect.conftest import CLASSES

SIZES_PX = (8.0, 30.0)


class Darkness:
    """A classifier whose maps are how dark an image is round each pixel, at the scale of each class."""

    def __init__(self, facts: ModelFacts | None = None) -> None:
        self.facts = facts or ModelFacts(CLASSES, (96, 96), 1.0, SIZES_PX, digest="darkness")
        self.seen = 0

    def maps(self, images: Sequence[NDArray[np.uint8]]) -> list[tuple[NDArray, NDArray]]:
        self.seen += len(images)
        if self.seen > 20 and self.facts.digest == "dies":
            raise ModelError("the plug was pulled")
        dark = [110 - image.mean(axis=2).astype(np.float32) for image in images]
        return [
            (
                np.zeros(2, dtype=np.float32),
                np.stack([ndimage.gaussian_filter(one, size / 4) for size in SIZES_PX]),
            )
            for one in dark
        ]


@pytest.mark.parametrize(
    ("peaks", "threshold", "expected"),
    [
        ({}, 0.0, []),
        ({(0, 6, 7): -1.0}, 0.0, []),
        ({(0, 6, 7): -1.0}, -1.0, [(0, [4.5, 5.5, 8.5, 9.5], 0.2689)]),
        (
            {(0, 6, 7): 1.0, (1, 0, 0): 3.0},
            0.0,
            [(1, [0.0, 0.0, 5.5, 5.5], 0.9526), (0, [4.5, 5.5, 8.5, 9.5], 0.7311)],
        ),
        ({(0, 6, 7): 1.0, (0, 6, 8): 0.9, (0, 6, 11): 0.8}, 0.5, [(0, 7.5, 0.7311), (0, 11.5, 0.69)]),
    ],
)
def test_a_box_of_the_size_of_its_class_round_each_peak(
    peaks: dict[tuple[int, int, int], float],
    threshold: float,
    expected: list[tuple[int, list[float] | float, float]],
) -> None:
    maps = np.full((2, 16, 16), -9, dtype=np.float32)
    for place, value in peaks.items():
        maps[place] = value
    found = peak_boxes(maps, [4.0, 10.0], threshold)
    assert found.labels.tolist() == [label for label, _, _ in expected]
    assert found.scores == pytest.approx([score for _, _, score in expected], abs=1e-4)
    for box, (_, place, _) in zip(found.boxes_px, expected, strict=True):
        assert box.tolist() == place if isinstance(place, list) else box[[1, 3]].mean() == place


def test_a_flat_map_has_no_peak() -> None:
    assert len(peak_boxes(np.ones((1, 8, 8), dtype=np.float32), [4.0]).scores) == 0


def test_peaks_without_a_size_are_a_mistake() -> None:
    with pytest.raises(ModelError, match="how large its classes are"):
        PeakDetector(Darkness(ModelFacts(CLASSES, None, None, None)))


@pytest.mark.parametrize(
    ("thresholds", "score", "everything", "expected"),
    [
        ({}, None, False, [0.5, 0.5]),
        ({"center": {"small": 0.1, "large": 0.2}}, None, False, [0.5, 0.5]),
        ({"peak": {"small": 0.0, "large": np.log(3)}}, None, False, [0.5, 0.75]),
        ({"peak": {"small": 0.0, "large": 1.0}}, 0.4, False, [0.4, 0.4]),
        ({}, None, True, [0.001, 0.001]),
    ],
)
def test_heights_that_were_chosen_on_train_are_scores(
    thresholds: dict[str, dict[str, float]], score: float | None, everything: bool, expected: list[float]
) -> None:
    chosen, _ = least_scores(CLASSES, thresholds, score, everything, peaks=True)
    assert chosen == pytest.approx(expected)
    assert as_scores({"center": {"small": 0.1}}) == {"center": {"small": 0.1}}


@pytest.mark.parametrize("height", [-4.0, 0.0, 1.97, 17.66, 29.91, 36.9, 60.0])
def test_a_peak_as_high_as_the_threshold_stays(height: float, monkeypatch: pytest.MonkeyPatch) -> None:
    maps = np.full((2, 16, 16), -9, dtype=np.float32)
    maps[0, 6, 7], maps[1, 6, 7] = height, height - 0.1
    classifier = Darkness()
    monkeypatch.setattr(classifier, "maps", lambda images: [(np.zeros(2), maps)])
    detector = PeakDetector(classifier)
    chosen = {"peak": dict.fromkeys(CLASSES, float(maps[0, 6, 7]))}
    detector.score_threshold = min(least_scores(CLASSES, chosen, None, False, peaks=True)[0])
    (found,) = detector.find([np.zeros((16, 16, 3), dtype=np.uint8)])
    # From 37 on all heights have the score 1.
    assert found.labels.tolist() == ([0, 1] if height > 36.8 else [0])


def test_files_and_counts_are_those_of_a_detector(phantom_dir: Path, tmp_path: Path) -> None:
    images = find_images([phantom_dir / "images"])
    outputs = Outputs(tmp_path / "pred.json", tmp_path / "pred.csv", counts=tmp_path / "counts.csv")
    report = detect_images(PeakDetector(Darkness()), images, outputs, [0.5, 0.5])
    boxes = read_points(tmp_path / "pred.json", phantom_dir / "images")
    assert len(boxes.centers_px) == sum(len(one.labels) for one in report.results) > 20
    with (tmp_path / "counts.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == [one.name for one in report.results]
    for row, one in zip(rows, report.results, strict=True):
        counts = Counter(CLASSES[label] for label in one.labels)
        assert {name: int(row[name]) for name in CLASSES} == {name: counts[name] for name in CLASSES}


def test_a_killed_run_goes_on_and_ends_alike(phantom_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    shutil.copytree(phantom_dir / "images", folder)
    images, out = find_images([folder]), Outputs(tmp_path / "pred.json")
    options = LookOptions(batch=1)
    facts = ModelFacts(CLASSES, (96, 96), 1.0, SIZES_PX, digest="dies")
    detect_images(PeakDetector(Darkness()), images, Outputs(tmp_path / "whole.json"), [0.5, 0.5], options)
    with pytest.raises(ModelError, match="plug"):
        detect_images(PeakDetector(Darkness(facts)), images, out, [0.5, 0.5], options)
    awake = Darkness(facts)
    awake.seen = -(10**9)
    report = detect_images(PeakDetector(awake), images, out, [0.5, 0.5], options)
    assert report.earlier > 0
    whole, resumed = (
        (tmp_path / name).read_text().replace("darkness", "dies") for name in ("whole.json", "pred.json")
    )
    assert whole == resumed
