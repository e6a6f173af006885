"""MMDetection's own detectors: what the bank gives them, what they learn from, and who else uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from synthmed.bank import BankSpec, build_bank, open_bank, save_bank
from synthmed.errors import ModelError
from synthmed.nets.anchors import anchors_from_bank
from synthmed.nets.inference import Predictor
from synthmed.nets.mmdet_heads import BankYOLOV3Head
from synthmed.nets.scene_dataset import SceneDataset, load_recipe
from synthmed.points import read_points
from synthmed.scenes import scene_scale
from tests.nets.conftest import WriteModel

pytestmark = [pytest.mark.mmdet, pytest.mark.usefixtures("mmdet_scope")]

CONFIGS = {
    "YOLOV3": "yolov3/yolov3_darknet19_416_cpu.py",
    "YOLOX": "yolox/yolox_nano_416_cpu.py",
    "RTMDet": "rtmdet/rtmdet_tiny_416_cpu.py",
}
DETECTORS = CONFIGS | {"YOLOv2": "yolov2/yolov2_darknet19_416_cpu.py"}
CLASSES = ("Bacteria", "RBC", "WBC")
SIZE = (96, 128)
LEVELS = dict(
    in_channels=[8, 8], out_channels=[8, 8], featmap_strides=[16, 8], bbox_coder=dict(type="YOLOBBoxCoder")
)


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def config(
    request: pytest.FixtureRequest,
    configs_dir: Path,
    config_environment: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    for name, value in config_environment.items():
        monkeypatch.setenv(name, value)
    return configs_dir / request.param


@pytest.fixture(params=DETECTORS.values(), ids=DETECTORS)
def detector(request: pytest.FixtureRequest, configs_dir: Path) -> Path:
    return configs_dir / request.param


@pytest.fixture(scope="session")
def bank_without_wbc(phantom_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class that was clicked, and of which no patch fits into an image."""
    points = read_points(phantom_dir / "points.csv", phantom_dir / "images")
    sizes = {"Bacteria": 12.0, "RBC": 35.0, "WBC": 1000.0}
    folder = tmp_path_factory.mktemp("bank") / "bank"
    save_bank(build_bank(points, phantom_dir / "images", BankSpec(sizes_px=sizes)), folder)
    return folder


def network_of(config: Path, bank: Path | None = None) -> Any:
    torch.manual_seed(0)
    settings = Config.fromfile(str(config)).model
    if bank is not None:
        settings.bbox_head.bank = str(bank)
    made = MODELS.build(settings)
    made.init_weights()
    return made


def scene(bank: Path, index: int, counts: Mapping[str, Any], min_visible: float = 0.25) -> Any:
    """A scene as the loader hands it on."""
    recipe = dict(counts=counts, canvas=dict(kind="background"))
    pipeline = [dict(type="PackDetInputs")]
    return SceneDataset(bank, recipe, size_px=SIZE, min_visible=min_visible, pipeline=pipeline)[index]


def gradients_of(network: Any, scenes: Sequence[Any], bfloat16: bool) -> tuple[float, list[torch.Tensor]]:
    """The loss of a batch, and the gradients of the weights that have one."""
    network.train()
    data = network.data_preprocessor(pseudo_collate(list(scenes)), training=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        loss, _ = network.parse_losses(network.loss(data["inputs"], data["data_samples"]))
    loss.backward()
    return float(loss.detach()), [one.grad for one in network.parameters() if one.grad is not None]


def test_classes_come_from_the_bank(config: Path) -> None:
    assert network_of(config).bbox_head.num_classes == len(CLASSES)


@pytest.mark.parametrize("bfloat16", [False, True])
@pytest.mark.parametrize(
    ("objects", "min_visible"),
    [((2, 2), 0.25), ((0, 2), 0.25), ((0, 0), 0.25), ((2, 2), 2.0)],
    ids=["all", "one image without objects", "no objects", "hidden objects alone"],
)
def test_scenes_with_and_without_objects_give_finite_gradients(
    detector: Path, bank_dir: Path, objects: tuple[int, int], min_visible: float, bfloat16: bool
) -> None:
    scenes = [
        scene(bank_dir, index, dict(kind="fixed", fixed=dict.fromkeys(CLASSES, count)), min_visible)
        for index, count in enumerate(objects)
    ]
    present = sum(len(one["data_samples"].gt_instances) for one in scenes)
    ignored = sum(len(one["data_samples"].ignored_instances) for one in scenes)
    assert (present, ignored) == ((0, 3 * sum(objects)) if min_visible > 1 else (3 * sum(objects), 0))
    loss, gradients = gradients_of(network_of(detector, bank_dir), scenes, bfloat16)
    assert np.isfinite(loss) and loss > 0
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert any((gradient != 0).any() for gradient in gradients)


def test_a_class_without_patches_is_learned_as_absent(detector: Path, bank_without_wbc: Path) -> None:
    bank = open_bank(bank_without_wbc)
    assert bank.classes == CLASSES and set(bank.labels.tolist()) == {0, 1}
    network = network_of(detector, bank_without_wbc)
    assert network.bbox_head.num_classes == len(CLASSES)
    scenes = [scene(bank_without_wbc, index, dict(kind="joint")) for index in range(2)]
    shown = torch.cat([one["data_samples"].gt_instances.labels for one in scenes])
    assert len(shown) and set(shown.tolist()) <= {0, 1}
    loss, gradients = gradients_of(network, scenes, bfloat16=False)
    assert np.isfinite(loss) and all(torch.isfinite(gradient).all() for gradient in gradients)


def test_answers_are_float32_also_where_the_network_is_not(config: Path) -> None:
    network = network_of(config).eval()
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        answers = network(torch.zeros(1, 3, 64, 64))
    assert {level.dtype for kind in answers for level in kind} == {torch.float32}


def test_a_checkpoint_is_used_without_its_bank(
    config: Path, write_model: WriteModel, phantom_dir: Path, bank_dir: Path, tmp_path: Path
) -> None:
    model, weights = write_model(config, tmp_path, {}, CLASSES)
    model.write_text(model.read_text().replace(str(bank_dir), "nowhere"))
    loaded = torch.load(weights, weights_only=True)
    for name, value in loaded["state_dict"].items():
        if ".rtm_reg." in name and name.endswith("bias"):
            value.fill_(2.0)  # an untrained RTMDet tells of boxes without any size
    torch.save(loaded, weights)
    images = sorted((phantom_dir / "images").iterdir())[:2]
    found = dict(Predictor(model, weights, device="cpu", score_threshold=0.0).detections(images))
    assert sorted(found) == [0, 1]
    for boxes, scores, labels in found.values():
        assert len(boxes) == len(scores) == len(labels) > 0
        assert np.isfinite(boxes).all() and set(labels.tolist()) <= {0, 1, 2}


@pytest.mark.parametrize("classes", [("RBC", "WBC"), ("Bacteria", "RBC", "WBC", "Yeast")])
def test_a_checkpoint_of_another_number_of_classes_is_refused(
    config: Path, write_model: WriteModel, tmp_path: Path, classes: tuple[str, ...]
) -> None:
    model, weights = write_model(config, tmp_path, {}, classes)
    with pytest.raises(ModelError, match="does not fit the config"):
        Predictor(model, weights, device="cpu")


def test_anchors_are_those_of_the_bank_and_small_ones_look_at_the_finest_map(bank_dir: Path) -> None:
    bank = open_bank(bank_dir)
    head = BankYOLOV3Head(bank=bank_dir, size_px=SIZE, **LEVELS)
    expected = anchors_from_bank(bank, scene_scale(load_recipe(None, SIZE), bank), 6).sizes_px[:, ::-1]
    np.testing.assert_allclose(head.anchors_wh_px.numpy(), expected, rtol=1e-6)
    coarse, fine = head.prior_generator.base_sizes
    np.testing.assert_allclose(fine, expected[:3])
    np.testing.assert_allclose(coarse, expected[3:])


def test_few_sizes_are_repeated() -> None:
    head = BankYOLOV3Head(num_classes=1, anchors_wh_px=[(10, 10), (20, 30)], **LEVELS)
    assert head.anchors_wh_px.tolist() == [[10, 10]] * 3 + [[20, 30]] * 3


def test_a_checkpoint_brings_its_anchors_and_boxes_follow_them() -> None:
    first, second = (
        BankYOLOV3Head(num_classes=1, anchors_wh_px=[(side, side)], **LEVELS).eval() for side in (10, 30)
    )
    second.load_state_dict(first.state_dict())
    assert second.anchors_wh_px.tolist() == [[10, 10]] * 6
    for ours, theirs in zip(
        second.prior_generator.base_anchors, first.prior_generator.base_anchors, strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_another_number_of_anchors_is_refused() -> None:
    two = BankYOLOV3Head(num_classes=1, anchors_wh_px=[(10, 10)], **LEVELS)
    one = BankYOLOV3Head(
        num_classes=1,
        anchors_wh_px=[(10, 10)],
        **(LEVELS | dict(in_channels=[8], out_channels=[8], featmap_strides=[8])),
    )
    with pytest.raises(ModelError, match="the checkpoint has 6 anchors, the config has 3"):
        one.load_state_dict(two.state_dict())


@pytest.mark.parametrize("kind", ["BankYOLOV3Head", "BankYOLOXHead", "BankRTMDetHead"])
def test_without_bank_and_classes(kind: str) -> None:
    with pytest.raises(ModelError, match=r"a (detector|network) without a bank"):
        MODELS.build(dict(type=kind, in_channels=[8]))
