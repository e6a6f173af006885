from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import ends
from untrained import write_untrained

pytestmark = pytest.mark.mmdet
CLASSES = ("Bacteria", "RBC", "WBC")
META = {"classes": CLASSES, "class_sizes_px": (9.0, 25.0, 37.0), "scene_scale": 0.8}


@pytest.fixture(scope="module")
def model(
    repository: Path, phantom_bank_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A small detector without training."""
    config = repository / "mmdet_configs/yolov2/yolov2_darknet19_416_cpu.py"
    options = {"model.bbox_head.feat_channels": 16}
    environment = {"SYNTHMED_BANK": str(phantom_bank_dir)}
    return write_untrained(config, tmp_path_factory.mktemp("model"), environment, options, META)


@pytest.fixture(scope="module")
def classifier(
    repository: Path, phantom_bank_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A small classifier without training."""
    config = repository / "mmdet_configs/cam/cam_darknet19_384_cpu.py"
    options = {"model.backbone.width": 0.125}
    environment = {"SYNTHMED_BANK": str(phantom_bank_dir)}
    return write_untrained(config, tmp_path_factory.mktemp("classifier"), environment, options, META)


@pytest.fixture
def images(phantom_dir: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for path in sorted((phantom_dir / "images").iterdir())[:2]:
        shutil.copy(path, folder)
    return folder


def test_detect_writes_what_it_found(model: tuple[Path, Path], images: Path, tmp_path: Path) -> None:
    out = tmp_path / "pred.json"
    code, output = ends(
        "detect", *model, images, "--score", "0.001", "--out", out, "--csv", tmp_path / "c.csv"
    )
    assert code == 0, output
    coco = json.loads(out.read_text())
    assert len(coco["images"]) == 2
    assert [category["name"] for category in coco["categories"]] == list(CLASSES)
    assert coco["annotations"]
    assert coco["info"]["trained_scale"] == 0.8
    assert (tmp_path / "c.csv").read_text().count("\n") == len(coco["annotations"]) + 1
    assert ends("detect", *model, images, "--out", out)[0] == 2, "nothing is overwritten"


def test_an_image_that_cannot_be_read_is_exit_code_one(
    model: tuple[Path, Path], images: Path, tmp_path: Path
) -> None:
    (images / "broken.png").write_bytes(b"\x89PNG no more")
    code, output = ends("detect", *model, images, "--out", tmp_path / "pred.json")
    assert code == 1
    assert "1 row skipped" in output
    assert "broken.png" in output
    assert len(json.loads((tmp_path / "pred.json").read_text())["images"]) == 2


def test_thresholds_beside_the_checkpoint_are_used(
    model: tuple[Path, Path], images: Path, tmp_path: Path
) -> None:
    for path in model:
        shutil.copy(path, tmp_path)
    thresholds = {"center": {"Bacteria": 0.11, "RBC": 0.22, "WBC": 0.33}}
    (tmp_path / "thresholds.json").write_text(json.dumps(thresholds))
    known = [tmp_path / path.name for path in model]
    code, output = ends("detect", *known, images, "--out", tmp_path / "pred.json")
    assert (code, "from train (center): Bacteria 0.11, RBC 0.22, WBC 0.33" in output) == (0, True)
    assert ends("detect", *model, images, "--out", tmp_path / "other.json")[1].startswith(
        "least scores the default"
    )


def test_the_peaks_of_a_classifier_are_objects(
    classifier: tuple[Path, Path], images: Path, tmp_path: Path
) -> None:
    out, counts = tmp_path / "pred.json", tmp_path / "counts.csv"
    code, output = ends("detect", *classifier, images, "--score", 0.4, "--out", out, "--counts", counts)
    assert (code, "least scores as asked for" in output) == (0, True), output
    found = json.loads(out.read_text())["annotations"]
    assert found
    for one in found:
        side = (9.0, 25.0, 37.0)[one["category_id"] - 1] / 0.8
        assert max(one["bbox"][2:]) <= side + 0.02
    rows = [row.split(",") for row in counts.read_text().splitlines()]
    assert rows[0] == ["image", *CLASSES]
    assert sum(int(count) for row in rows[1:] for count in row[1:]) == len(found)
    output = ends("detect", *classifier, images, "--out", tmp_path / "other.json")[1]
    assert output.startswith("least scores the default, since none from train are known: Bacteria 0.5")


class _Code:
    def __reduce__(self) -> Any:
        return print, ("code ran",)


def test_mistakes(model: tuple[Path, Path], images: Path, tmp_path: Path) -> None:
    import torch

    config, checkpoint = model
    truncated, hostile = tmp_path / "truncated.pth", tmp_path / "hostile.pth"
    truncated.write_bytes(checkpoint.read_bytes()[:10_000])
    torch.save({"state_dict": {}, "extra": _Code()}, hostile)
    other = tmp_path / "other.py"
    other.write_text(config.read_text().replace("feat_channels=16", "feat_channels=24"))
    for arguments, message in (
        ((config, truncated, images), "damaged or truncated"),
        ((config, hostile, images), "holds more than weights"),
        ((other, checkpoint, images), "does not fit the config"),
        ((config, images), "name a config, its checkpoint and the images"),
        ((checkpoint, config, images), "name a config, its checkpoint and the images"),
        ((config, checkpoint, images, "--tile", 64), "larger --tile"),
        ((config, checkpoint, images, "--scale", "big"), "neither a positive number nor auto or fit"),
    ):
        code, output = ends("detect", *arguments, "--out", tmp_path / "pred.json")
        assert code == 2, output
        assert message in output, output
        assert "code ran" not in output


def test_export(model: tuple[Path, Path], images: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    code, output = ends("export", *model, "--out", tmp_path / "model.onnx")
    assert (code, "scale of training 0.8" in output) == (0, True), output
    assert ends("detect", tmp_path / "model.onnx", images, "--out", tmp_path / "pred.json")[0] == 0
