from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from synthmed.bank import open_bank
from synthmed.errors import ModelError, PointsError
from synthmed.nets.inference import (
    Predictor,
    label_order,
    model_classes,
    predict_detections,
)
from synthmed.points import read_points

pytestmark = pytest.mark.mmdet

Model = tuple[Path, Path]


@pytest.fixture(scope="module")
def detector(
    write_model: Callable[..., Model],
    configs_dir: Path,
    small_detector: dict[str, Any],
    bank_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Model:
    """A detector without training, whose bank is not where its config says."""
    folder = tmp_path_factory.mktemp("detector")
    config = configs_dir / "yolov2" / "yolov2_darknet19_416_cpu.py"
    written, weights = write_model(config, folder, small_detector, open_bank(bank_dir).classes)
    text = written.read_text()
    assert str(bank_dir) in text
    written.write_text(text.replace(str(bank_dir), "/moved/elsewhere"))
    return written, weights


@pytest.fixture(scope="module")
def classifier(
    write_model: Callable[..., Model],
    configs_dir: Path,
    bank_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Model:
    """A classifier whose first map is the brightness of the image, cell by cell."""
    folder = tmp_path_factory.mktemp("classifier")
    config = configs_dir / "cam" / "cam_darknet19_384_cpu.py"
    small = {"model.backbone.width": 0.25}
    written, weights = write_model(config, folder, small, open_bank(bank_dir).classes)
    checkpoint = torch.load(weights, weights_only=True)
    for name, value in checkpoint["state_dict"].items():
        if value.dim() == 4:
            value.zero_()
            value[0, 0, value.shape[2] // 2, value.shape[3] // 2] = 1
        elif name.endswith("bn.running_mean") and "stage0" in name:
            value.fill_(-1)  # the dark background becomes 0, which leaky ReLUs leave alone
    torch.save(checkpoint, weights)
    return written, weights


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Images of three shapes."""
    rng = np.random.default_rng(0)
    paths = []
    for index, shape in enumerate([(60, 80), (60, 80), (90, 50), (60, 80)]):
        paths.append(tmp_path / f"{index}.png")
        Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(paths[-1])
    return paths


def test_detections_lie_in_the_original_image(detector: Model, images: list[Path]) -> None:
    calls: list[tuple[int, int]] = []
    found = list(Predictor(*detector).detections(images, lambda *state: calls.append(state)))
    assert [index for index, _ in found] == [0, 1, 2, 3]
    for (_, (boxes, scores, labels)), (height, width) in zip(
        found, [(60, 80), (60, 80), (90, 50), (60, 80)], strict=True
    ):
        assert len(boxes) == len(scores) == len(labels) > 0
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2:] <= [height, width]).all()
        assert (boxes[:, :2] < boxes[:, 2:]).all()
        assert boxes[:, 2].max() > 0.9 * height, "boxes reach all over the image"
        assert boxes[:, 3].max() > 0.9 * width
    assert calls[-1] == (4, 4)
    assert list(Predictor(*detector).detections([])) == []


def test_an_image_is_judged_alone(detector: Model, images: list[Path]) -> None:
    together = list(Predictor(*detector, batch_size=3).detections(images))
    for index, (boxes, scores, _) in together:
        alone = Predictor(*detector, batch_size=1).detections([images[index]])
        ((_, (alone_boxes, alone_scores, _)),) = alone
        np.testing.assert_allclose(scores, alone_scores, atol=1e-5)
        assert boxes.shape == alone_boxes.shape


def test_the_score_threshold(detector: Model, images: list[Path]) -> None:
    predictor = Predictor(*detector, score_threshold=0.001)
    _, found = next(predictor.detections(images[:1]))
    limit = float(np.sort(found.scores)[len(found.scores) // 2])
    _, fewer = next(Predictor(*detector, score_threshold=limit).detections(images[:1]))
    assert 0 < len(fewer.scores) < len(found.scores)
    assert fewer.scores.min() == limit, "what scores exactly so much stays"


def test_bfloat16_is_close(classifier: Model, images: list[Path]) -> None:
    exact = [scores for _, scores, _ in Predictor(*classifier).cams(images)]
    rough = [scores for _, scores, _ in Predictor(*classifier, bfloat16=True).cams(images)]
    np.testing.assert_allclose(exact, rough, atol=0.02)


def test_predictions_follow_the_order_of_the_points(detector: Model, phantom_dir: Path) -> None:
    folder = phantom_dir / "images"
    predictor = Predictor(*detector)
    forward = read_points(phantom_dir / "points.csv", folder, classes=predictor.classes).of_split("val")
    backward = read_points(phantom_dir / "points.csv", folder, classes=predictor.classes[::-1]).of_split(
        "val"
    )
    one, other = (predict_detections(predictor, points, folder) for points in (forward, backward))
    assert set(one.image_index) == set(range(len(forward.images)))
    np.testing.assert_array_equal(one.boxes_px, other.boxes_px)
    np.testing.assert_array_equal(one.labels, len(predictor.classes) - 1 - other.labels)


DOTS = [((375, 500), (100, 400)), ((500, 375), (420, 50)), ((100, 100), (3, 96)), ((800, 300), (650, 160))]


@pytest.mark.parametrize(("shape", "dot"), DOTS)
def test_a_bright_dot_is_where_its_map_says(
    classifier: Model, tmp_path: Path, shape: tuple[int, int], dot: tuple[int, int]
) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    scale = min(384 / shape[0], 384 / shape[1])
    half = max(1, round(2 / scale))
    image[max(0, dot[0] - half) : dot[0] + half + 1, max(0, dot[1] - half) : dot[1] + half + 1] = 255
    Image.fromarray(image).save(tmp_path / "dot.png")
    ((_, scores, cams),) = Predictor(*classifier).cams([tmp_path / "dot.png"])
    assert cams.shape == (3, *shape)
    assert cams.dtype == np.float32
    assert ((0 <= scores) & (scores <= 1)).all()
    cam = cams[0]
    assert cam.max() > cam.min()
    # Every pixel of the cell that the dot is in has the same maximum, so the peak may be half a cell off.
    peak = np.argwhere(cam >= cam.max() - 1e-6 * abs(cam.max())).mean(axis=0) + 0.5
    assert np.abs(peak - (np.array(dot) + 0.5)).max() <= 8 / scale + half + 1


def test_classes_come_from_the_checkpoint(detector: Model, bank_dir: Path) -> None:
    assert model_classes(detector[1]) == open_bank(bank_dir).classes


def test_label_order_needs_the_same_names() -> None:
    with pytest.raises(ModelError, match="the model knows the classes RBC, WBC"):
        label_order(("RBC", "WBC"), ("RBC", "rbc"))


def test_a_detector_is_no_classifier(detector: Model, classifier: Model, images: list[Path]) -> None:
    with pytest.raises(ModelError, match="no class activation maps"):
        next(Predictor(*detector).cams(images))
    with pytest.raises(ModelError, match="finds no boxes"):
        next(Predictor(*classifier).detections(images))


def test_a_missing_image(detector: Model, tmp_path: Path) -> None:
    with pytest.raises(PointsError, match="the image is missing"):
        next(Predictor(*detector).detections([tmp_path / "none.png"]))


def change(checkpoint: Path, to: Path, **values: Any) -> Path:
    torch.save({**torch.load(checkpoint, weights_only=True), **values}, to)
    return to


def test_mistakes(detector: Model, classifier: Model, tmp_path: Path) -> None:
    config, checkpoint = detector
    nameless = change(checkpoint, tmp_path / "nameless.pth", meta={})
    broken, empty = tmp_path / "broken.py", tmp_path / "empty.py"
    broken.write_text("model = dict(")
    empty.write_text("a = 1")
    unknown = tmp_path / "unknown.py"
    unknown.write_text("model = dict(type='NoSuchModel')\ntest_pipeline = [dict(type='PackDetInputs')]")
    for arguments, message in [
        ((tmp_path / "none.py", checkpoint), "no such config"),
        ((config, tmp_path / "none.pth"), "no such checkpoint"),
        ((broken, checkpoint), "the config cannot be read"),
        ((empty, checkpoint), "the config has no model"),
        ((unknown, checkpoint), "the model cannot be built"),
        ((config, classifier[1]), "does not fit the config"),
        ((config, nameless), "does not name its classes"),
    ]:
        with pytest.raises(ModelError, match=message):
            Predictor(*arguments)
    with pytest.raises(ModelError, match="no such device"):
        Predictor(config, checkpoint, device="warp")
