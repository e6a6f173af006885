from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synthmed.bank import open_bank
from synthmed.detect import OnnxModel
from synthmed.detect.cam_align import align_maps
from synthmed.errors import ModelError
from synthmed.nets.cam_pooling import align_cam
from synthmed.nets.export_onnx import export_onnx
from synthmed.nets.inference import Predictor

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

Model = tuple[Path, Path]
SHAPES = [(96, 128), (64, 64), (90, 70)]
DETECTORS = {
    "YOLOv2": ("yolov2/yolov2_darknet19_416_cpu.py", {"model.bbox_head.feat_channels": 32}),
    "YOLOv3": ("yolov3/yolov3_darknet19_416_cpu.py", {}),
    "YOLOX": ("yolox/yolox_nano_416_cpu.py", {}),
    "RTMDet": ("rtmdet/rtmdet_tiny_416_cpu.py", {}),
}
LAST_LAYERS = ("predictor.weight", "classifier.weight")
LAST_LAYERS_OF_LEVELS = (".convs_pred.", ".multi_level_conv_", ".rtm_")


def shaken(checkpoint: Path) -> None:
    """Give batch norm the statistics of no network in particular, and the last layer something to say."""
    loaded = torch.load(checkpoint, weights_only=True)
    random = torch.Generator().manual_seed(1)
    for name, value in loaded["state_dict"].items():
        if name.endswith(("running_mean", "bn.bias")):
            value.normal_(std=0.2, generator=random)
        elif name.endswith(("running_var", "bn.weight")):
            value.uniform_(0.5, 1.5, generator=random)
        elif name.endswith(LAST_LAYERS):
            value.normal_(std=0.2, generator=random)
        elif name.endswith("weight") and any(part in name for part in LAST_LAYERS_OF_LEVELS):
            value.normal_(std=0.05, generator=random)
    torch.save(loaded, checkpoint)


def written(
    write_model: Callable[..., Model], config: Path, folder: Path, options: dict[str, Any], bank_dir: Path
) -> tuple[Model, Path]:
    model = write_model(config, folder, options, open_bank(bank_dir).classes)
    shaken(model[1])
    export_onnx(*model, folder / "model.onnx")
    return model, folder / "model.onnx"


@pytest.fixture(scope="module")
def detector(
    write_model: Callable[..., Model],
    configs_dir: Path,
    small_detector: dict[str, Any],
    bank_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Model, Path]:
    config = configs_dir / "yolov2" / "yolov2_darknet19_416_cpu.py"
    return written(write_model, config, tmp_path_factory.mktemp("detector"), small_detector, bank_dir)


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
    rng = np.random.default_rng(shape[0])
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for _ in range(count)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [1, 3])
def test_the_same_boxes(detector: tuple[Model, Path], shape: tuple[int, int], count: int) -> None:
    model, exported = detector
    images = pictures(shape, count)
    torch_found, onnx_found = (
        Predictor(*model, device="cpu").find(images),
        OnnxModel(exported, threads=1).find(images),
    )
    assert len(torch_found) == len(onnx_found) == count
    for expected, found in zip(torch_found, onnx_found, strict=True):
        assert len(found.scores) == len(expected.scores) > 20
        # Equal scores may stand in another order.
        for one in (expected, found):
            assert (np.diff(one.scores) <= 1e-6).all()
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
        # So each box is looked for, with its class as one more, distant coordinate.
        places = [np.c_[one.boxes_px, 1e4 * one.labels] for one in (expected, found)]
        away = np.abs(places[0][:, None] - places[1][None]).max(axis=2)
        assert away.min(axis=0).max() < 1e-2 and away.min(axis=1).max() < 1e-2


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
