from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synthmed.bank import open_bank
from synthmed.detect import OnnxModel
from synthmed.detect.cam_align import align_maps
from synthmed.errors import ModelError
from synthmed.metrics.predictions import Detections
from synthmed.nets.cam_pooling import align_cam
from synthmed.nets.every_slot import selection_of
from synthmed.nets.export_onnx import export_onnx
from synthmed.nets.inference import Predictor

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

Model = tuple[Path, Path]
SHAPES = [(192, 256), (128, 128), (180, 140)]
DETECTORS = {
    "YOLOv2": "yolov2/yolov2_darknet19_416_cpu.py",
    "YOLOv3": "yolov3/yolov3_darknet19_416_cpu.py",
    "YOLOX": "yolox/yolox_nano_416_cpu.py",
    "RTMDet": "rtmdet/rtmdet_tiny_416_cpu.py",
}
LIMITS = {"model.test_cfg.nms_pre": 50, "model.test_cfg.max_per_img": 15, "model.test_cfg.min_bbox_size": 16}
OPTIONS: dict[str, dict[str, Any]] = {
    "YOLOv2": LIMITS | {"model.bbox_head.feat_channels": 32},
    "YOLOv3": LIMITS | {"model.test_cfg.conf_thr": 0.5},
    "YOLOX": {},
    "RTMDet": LIMITS | {"model.test_cfg.nms_pre": 12},
}
DEVIATIONS = {
    "predictor": 1.0,
    "convs_pred": 1.0,
    "multi_level_conv_cls": 0.3,
    "multi_level_conv_obj": 0.3,
    "multi_level_conv_reg": 0.2,
    "rtm_cls": 1.0,
    "rtm_reg": 0.4,
    "classifier": 0.2,
}
"""Of what the last layers say, which untrained ones do not."""
LAST_LAYER = re.compile(rf"(?:bbox_head\.)?({'|'.join(DEVIATIONS)})(?:\.\d)?\.(\w+)")


def shaken(config: Path, checkpoint: Path) -> None:
    """Give batch norm the statistics of some pictures, and the last layers something to say."""
    loaded = torch.load(checkpoint, weights_only=True)
    random = torch.Generator().manual_seed(1)
    for name, value in loaded["state_dict"].items():
        if name.endswith("bn.bias"):
            value.normal_(std=0.2, generator=random)
        elif name.endswith("bn.weight"):
            value.uniform_(0.5, 1.5, generator=random)
        elif last := LAST_LAYER.fullmatch(name):
            inputs = value[0].numel()
            value.normal_(
                std=DEVIATIONS[last[1]] / inputs**0.5 if last[2] == "weight" else 0.1, generator=random
            )
    torch.save(loaded, checkpoint)
    network: Any = Predictor(config, checkpoint, device="cpu").model.network
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    images = [torch.from_numpy(image.transpose(2, 0, 1)) for image in pictures((192, 256), 4)]
    with torch.no_grad():
        network.train()(network.data_preprocessor({"inputs": images})["inputs"])
    loaded["state_dict"] = network.state_dict()
    torch.save(loaded, checkpoint)


def written(
    write_model: Callable[..., Model], config: Path, folder: Path, options: dict[str, Any], bank_dir: Path
) -> tuple[Model, Path]:
    model = write_model(config, folder, options, open_bank(bank_dir).classes)
    shaken(*model)
    export_onnx(*model, folder / "model.onnx")
    return model, folder / "model.onnx"


@pytest.fixture(scope="module")
def detectors(
    write_model: Callable[..., Model],
    configs_dir: Path,
    bank_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], tuple[Model, Path]]:
    """From the name of a detector to its model and what was exported."""

    @cache
    def one(name: str) -> tuple[Model, Path]:
        folder = tmp_path_factory.mktemp(name)
        return written(write_model, configs_dir / DETECTORS[name], folder, OPTIONS[name], bank_dir)

    return one


@pytest.fixture(scope="module")
def detector(detectors: Callable[[str], tuple[Model, Path]]) -> tuple[Model, Path]:
    return detectors("YOLOv2")


@pytest.fixture(scope="module", params=DETECTORS)
def any_detector(
    request: pytest.FixtureRequest, detectors: Callable[[str], tuple[Model, Path]]
) -> tuple[Model, Path]:
    return detectors(request.param)


@pytest.fixture(scope="module")
def classifier(
    write_model: Callable[..., Model],
    configs_dir: Path,
    bank_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Model, Path]:
    config = configs_dir / "cam" / "cam_darknet19_384_cpu.py"
    small = {"model.backbone.width": 0.25}
    return written(write_model, config, tmp_path_factory.mktemp("classifier"), small, bank_dir)


def pictures(shape: tuple[int, int], count: int) -> list[np.ndarray]:
    """Blocks of 8 px and some noise: of noise alone, nothing would be left at the coarse levels."""
    rng = np.random.default_rng(shape[0])
    coarse = rng.integers(20, 236, (count, shape[0] // 8 + 1, shape[1] // 8 + 1, 3))
    blocks = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, : shape[0], : shape[1]]
    return list((blocks + rng.integers(-20, 20, blocks.shape)).astype(np.uint8))


def resaved(exported: Path, out: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """The same network with other words about itself."""
    graph = onnx.load(exported)
    about = json.loads(graph.metadata_props[0].value)
    change(about)
    graph.metadata_props[0].value = json.dumps(about)
    onnx.save(graph, out)
    return out


def apart(first: Detections, second: Detections) -> float:
    """How far the worst box is from the nearest of the other set, classes being far apart."""
    # Equal scores may stand in another order, so that each box is looked for.
    places = [np.c_[one.boxes_px, 1e4 * one.labels, 1e2 * one.scores] for one in (first, second)]
    away = np.abs(places[0][:, None] - places[1][None]).max(axis=2)
    return float(max(away.min(axis=0).max(), away.min(axis=1).max()))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [1, 3])
def test_the_same_boxes(any_detector: tuple[Model, Path], shape: tuple[int, int], count: int) -> None:
    model, exported = any_detector
    images = pictures(shape, count)
    torch_found, onnx_found = (
        Predictor(*model, device="cpu", score_threshold=0.3).find(images),
        OnnxModel(exported, threads=1, score_threshold=0.3).find(images),
    )
    assert len(torch_found) == len(onnx_found) == count
    for expected, found in zip(torch_found, onnx_found, strict=True):
        assert len(found.scores) == len(expected.scores) >= 10
        for one in (expected, found):
            assert (np.diff(one.scores) <= 1e-6).all()
        np.testing.assert_allclose(found.scores, expected.scores, atol=5e-3)
        # Random networks make much of rounding; trained ones agree within 0.001 px.
        assert apart(expected, found) < 0.5


def test_boxes_of_all_levels_and_classes_are_among_them(any_detector: tuple[Model, Path]) -> None:
    exported = any_detector[1]
    (height, width), images = SHAPES[0], pictures(SHAPES[0], 3)
    session = onnxruntime.InferenceSession(str(exported))
    boxes = session.run(["boxes"], {"images": np.stack(images).transpose(0, 3, 1, 2)})[0]
    strides = json.loads(onnx.load(exported).metadata_props[0].value)["strides"]
    cells = np.array([height * width // stride**2 for stride in strides])
    levels = np.repeat(np.arange(len(cells)), cells * (boxes.shape[1] // cells.sum()))
    assert boxes.shape == (3, len(levels), 4)
    found_levels, found_labels = set(), set()
    for found, own in zip(OnnxModel(exported).find(images), boxes, strict=True):
        inside = np.clip(own[:, [1, 0, 3, 2]], 0, [height, width, height, width])
        away = np.abs(found.boxes_px[:, None] - inside).max(axis=2)
        assert away.min(axis=1).max() < 1e-3
        found_levels |= set(levels[away.argmin(axis=1)].tolist())
        found_labels |= set(found.labels.tolist())
    assert found_levels == set(range(len(strides)))
    assert len(found_labels) > 1


@pytest.mark.parametrize(
    ("name", "field", "other"),
    [
        ("YOLOv2", "candidates", None),
        ("YOLOv2", "max_boxes", None),
        ("YOLOv2", "max_iou", 0.9),
        ("YOLOv2", "min_side_px", None),
        ("YOLOv3", "candidates", None),
        ("YOLOv3", "max_boxes", None),
        ("YOLOv3", "min_side_px", None),
        ("YOLOv3", "min_objectness", 0.0),
        ("YOLOv3", "clipped", True),
        ("YOLOX", "candidates", 60),
        ("YOLOX", "single_label", False),
        ("YOLOX", "clipped", True),
        ("RTMDet", "candidates", None),
        ("RTMDet", "by_level", False),
        ("RTMDet", "clipped", False),
    ],
)
def test_every_limit_of_the_file_counts(
    detectors: Callable[[str], tuple[Model, Path]], name: str, field: str, other: Any, tmp_path: Path
) -> None:
    exported = detectors(name)[1]

    def change(about: dict[str, Any]) -> None:
        assert about["selection"][field] != other
        about["selection"][field] = other

    changed = resaved(exported, tmp_path / "changed.onnx", change)
    differences = [
        len(first.scores) != len(second.scores) or apart(first, second) > 0.5
        for shape in SHAPES
        for first, second in zip(
            *(OnnxModel(path).find(pictures(shape, 3)) for path in (exported, changed)), strict=True
        )
    ]
    assert any(differences)


def test_files_of_the_first_format_are_read(detector: tuple[Model, Path], tmp_path: Path) -> None:
    exported = detector[1]

    def common(about: dict[str, Any]) -> None:
        about["selection"]["min_side_px"] = 0  # what the first format meant, whatever the config said

    def older(about: dict[str, Any]) -> None:
        del about["format"]
        about["stride"] = about.pop("strides")[0]
        about["selection"] = {key: about["selection"][key] for key in ("candidates", "max_iou", "max_boxes")}

    found = [
        OnnxModel(resaved(exported, tmp_path / "model.onnx", change)).find(pictures(SHAPES[0], 1))[0]
        for change in (common, older)
    ]
    assert len(found[0].scores) > 10
    for first, second in zip(*found, strict=True):
        np.testing.assert_array_equal(first, second)


def test_files_of_a_later_format_are_refused(detector: tuple[Model, Path], tmp_path: Path) -> None:
    later = resaved(detector[1], tmp_path / "later.onnx", lambda about: about.update(format=3))
    with pytest.raises(ModelError, match="a later version of synthmed wrote"):
        OnnxModel(later)


def test_heads_that_are_not_ours_are_refused(
    write_model: Callable[..., Model], configs_dir: Path, bank_dir: Path, tmp_path: Path
) -> None:
    config, weights = write_model(configs_dir / DETECTORS["YOLOX"], tmp_path, {}, open_bank(bank_dir).classes)
    text = config.read_text().replace("BankYOLOXHead", "YOLOXHead")
    config.write_text(re.sub(r"bank='[^']*'", "num_classes=3", text))
    with pytest.raises(ModelError, match="only the detectors and CAM classifiers of synthmed's configs"):
        export_onnx(config, weights, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("nms", [{"type": "soft_nms"}, {"type": "nms", "class_agnostic": True}])
def test_only_plain_suppression_is_exported(nms: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="only plain non-maximum suppression"):
        selection_of({"nms": nms | {"iou_threshold": 0.5}})


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_maps(classifier: tuple[Model, Path], shape: tuple[int, int]) -> None:
    model, exported = classifier
    images = pictures(shape, 2)
    for (scores, maps), (own_scores, own_maps) in zip(
        Predictor(*model, device="cpu").maps(images), OnnxModel(exported, threads=1).maps(images), strict=True
    ):
        assert own_maps.shape == maps.shape == (3, *shape)
        assert np.ptp(maps) > 0.1
        np.testing.assert_allclose(own_scores, scores, atol=1e-5)
        np.testing.assert_allclose(own_maps, maps, atol=1e-3)


@pytest.mark.parametrize(
    ("cells", "shape", "wanted"),
    [((5, 6), (40, 48), (80, 96)), ((1, 1), (8, 8), (5, 6)), ((6, 9), (41, 70), (30, 99))],
)
def test_maps_are_laid_as_torch_lays_them(
    cells: tuple[int, int], shape: tuple[int, int], wanted: tuple[int, int]
) -> None:
    maps = np.random.default_rng(0).normal(size=(2, *cells)).astype(np.float32)
    expected = align_cam(torch.from_numpy(maps), 8, shape, wanted).numpy()
    np.testing.assert_allclose(align_maps(maps, 8, shape, wanted), expected, atol=1e-4)


def test_what_the_file_says_of_itself(detector: tuple[Model, Path], bank_dir: Path) -> None:
    model, exported = detector
    own, other = OnnxModel(exported).facts, Predictor(*model).facts
    assert own.classes == other.classes == open_bank(bank_dir).classes
    assert own.canvas_px == other.canvas_px == (416, 416)
    assert own.scale == other.scale == pytest.approx(416 / 480)
    props = {entry.key: entry.value for entry in onnx.load(exported).metadata_props}
    about = json.loads(props["synthmed"])
    assert about["mean"] == about["std"] == [127.5] * 3
    assert len(about["anchors_wh_px"]) == 5
    assert about["checkpoint_sha256"] == other.digest


def test_it_runs_without_torch(detector: tuple[Model, Path], phantom_dir: Path, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('torch', 'mmdet', 'mmcv', 'mmengine', 'onnx')))\n"
        "from synthmed.cli import main\n"
        "main(sys.argv[1:])"
    )
    out = tmp_path / "pred.json"
    command = [sys.executable, "-c", program, "detect", detector[1], phantom_dir / "images", "--out", out]
    done = subprocess.run(
        [*map(str, command), "--score", "0.001"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(out.read_text())["images"]) == 9


def test_mistakes(detector: tuple[Model, Path], classifier: tuple[Model, Path], tmp_path: Path) -> None:
    (config, checkpoint), exported = detector
    image = pictures((64, 64), 1)
    with pytest.raises(ModelError, match="finds no boxes"):
        OnnxModel(classifier[1]).find(image)
    with pytest.raises(ModelError, match="no class activation maps"):
        OnnxModel(exported).maps(image)
    with pytest.raises(ModelError, match="something is there already"):
        export_onnx(config, checkpoint, exported)
    broken, foreign = tmp_path / "broken.onnx", tmp_path / "foreign.onnx"
    broken.write_bytes(exported.read_bytes()[:5000])
    graph = onnx.load(exported)
    del graph.metadata_props[:]
    onnx.save(graph, foreign)
    for path, message in (
        (broken, "cannot be loaded"),
        (foreign, "does not say what it is"),
        (tmp_path / "none.onnx", "no such model"),
    ):
        with pytest.raises(ModelError, match=message):
            OnnxModel(path)
    assert OnnxModel(exported).find([]) == []
