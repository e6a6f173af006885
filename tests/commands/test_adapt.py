from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import ends
from PIL import Image
from untrained import write_untrained

from synthmed.points import read_points

pytestmark = pytest.mark.mmdet
CLASSES = ("Bacteria", "RBC", "WBC")
SIDE = (64, 64)


@pytest.fixture(scope="module")
def models(
    repository: Path, phantom_bank_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, Path]]:
    """A small detector and a small classifier without training."""
    sources = {
        "detector": ("yolov2/yolov2_darknet19_416_cpu.py", {"model.bbox_head.feat_channels": 16}),
        "classifier": ("cam/cam_darknet19_384_cpu.py", {"model.backbone.width": 0.125}),
    }
    environment = {"SYNTHMED_BANK": str(phantom_bank_dir)}
    small = {"test_dataloader.dataset.pipeline.1.scale": SIDE}
    return {
        kind: write_untrained(
            repository / "mmdet_configs" / name,
            tmp_path_factory.mktemp(kind),
            environment,
            options | small,
            {"classes": CLASSES, "scene_scale": 0.8},
        )
        for kind, (name, options) in sources.items()
    }


@pytest.fixture
def data(phantom_dir: Path, tmp_path: Path) -> Path:
    """A folder of the phantom's images and points, as a user has it."""
    shutil.copytree(phantom_dir / "images", tmp_path / "data" / "images")
    shutil.copy(phantom_dir / "points.csv", tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize("kind", ["detector", "classifier"])
def test_adapt(models: dict[str, tuple[Path, Path]], data: Path, tmp_path: Path, kind: str) -> None:
    import torch

    from synthmed.nets.checkpoints import load_checkpoint
    from synthmed.nets.inference import Predictor

    config, checkpoint = models[kind]
    before_bytes = checkpoint.read_bytes()
    arguments = (
        "adapt",
        config,
        checkpoint,
        data / "images",
        "--points",
        data / "points.csv",
        "--train-only",
    )
    out = tmp_path / "new" / "adapted.pth"
    code, output = ends(*arguments, "--out", out)
    assert code == 0, output
    assert "images are not of train and were left out" in output
    assert checkpoint.read_bytes() == before_bytes
    before, after = load_checkpoint(checkpoint), load_checkpoint(out)
    assert (after["meta"], after["optimizer"]) == (before["meta"], before["optimizer"])
    assert list(after["state_dict"]) == list(before["state_dict"])
    for key, value in before["state_dict"].items():
        assert torch.equal(value, after["state_dict"][key]) == ("running_" not in key), key
        assert value.dtype == after["state_dict"][key].dtype
    predictor = Predictor(config, out)
    assert predictor.classes == CLASSES
    image = sorted((data / "images").iterdir())[:1]
    found, earlier = ([*_outputs(made, image)] for made in (predictor, Predictor(config, checkpoint)))
    assert not np.array_equal(found[0], earlier[0]), "the network answers otherwise"
    record = json.loads(out.with_suffix(".json").read_text())
    norms = [key for key in before["state_dict"] if key.endswith("running_mean")]
    assert [f"{layer['name']}.running_mean" for layer in record["layers"]] == norms
    assert 2 <= record["passes"] <= len(norms) + 1
    assert record["checkpoint"] == "weights.pth"
    assert all(layer["mean_divergence"] > 0 for layer in record["layers"])
    with Image.open(out.with_suffix(".png")) as picture:
        assert picture.width > 300
    code, output = ends(*arguments, "--out", out)
    assert (code, "something is there already" in output) == (2, True)
    again = tmp_path / "again.pth"
    assert ends("adapt", config, out, *arguments[3:], "--batch", 3, "--out", again)[0] == 0
    for key, value in load_checkpoint(again)["state_dict"].items():
        torch.testing.assert_close(value, after["state_dict"][key], rtol=1e-4, atol=1e-5, msg=key)


def _outputs(predictor: Any, images: list[Path]) -> Any:
    import torch

    with torch.inference_mode():
        for path in images:
            item = predictor.model.pipeline({"img_path": str(path), "img_id": 0})
            batch = {key: [value] for key, value in item.items()}
            data = predictor.model.network.data_preprocessor(batch, False)
            raw = predictor.model.network(data["inputs"])
            yield (raw[0] if isinstance(raw, tuple) else raw).numpy()


def test_what_is_held_out_is_refused(
    models: dict[str, tuple[Path, Path]], data: Path, tmp_path: Path
) -> None:
    model, out = models["detector"], tmp_path / "adapted.pth"
    points, images = data / "points.csv", data / "images"
    code, output = ends("adapt", *model, images, "--points", points, "--out", out)
    assert (code, "of the images are of val or test" in output) == (2, True), output
    val = read_points(points, images).of_split("val").images[0]
    copy = tmp_path / "copy.png"
    shutil.copy(images / val, copy)
    code, output = ends("adapt", *model, copy, "--points", points, "--images", images, "--out", out)
    assert (code, "have the same bytes as images of val or test" in output) == (2, True), output
    assert not out.exists()
    code, output = ends("adapt", *model, copy, "--out", out)
    assert (code, "without --points nobody can know" in output) == (0, True), output


def test_thresholds_of_another_network_are_told(
    models: dict[str, tuple[Path, Path]], data: Path, tmp_path: Path
) -> None:
    (tmp_path / "thresholds.json").write_text("{}")
    image = sorted((data / "images").iterdir())[0]
    code, output = ends("adapt", *models["detector"], image, "--out", tmp_path / "adapted.pth")
    assert (code, "was chosen for another network" in output) == (0, True), output


class _Code:
    def __reduce__(self) -> Any:
        return print, ("code ran",)


def test_mistakes(models: dict[str, tuple[Path, Path]], data: Path, tmp_path: Path) -> None:
    import torch

    config, checkpoint = models["detector"]
    images, points, out = data / "images", data / "points.csv", tmp_path / "adapted.pth"
    hostile = tmp_path / "hostile.pth"
    torch.save({"state_dict": {}, "extra": _Code()}, hostile)
    bare = tmp_path / "bare.pth"
    loaded = torch.load(checkpoint, weights_only=True)
    loaded["state_dict"] = {key: value for key, value in loaded["state_dict"].items() if "running" not in key}
    torch.save(loaded, bare)
    (tmp_path / "taken.json").write_text("mine")
    for arguments, message in (
        ((config, hostile, images), "holds more than weights"),
        ((config, bare, images), "does not fit the config"),
        ((config, checkpoint, images, "--train-only"), "need --points"),
        ((config, checkpoint, images / "..", "--points", points), "the image is missing"),
        ((config, checkpoint, sorted(images.iterdir())[0], "--points", points), "name it by --images"),
        ((config, checkpoint, images, "--out", tmp_path / "taken.pth"), "something is there already"),
        ((config, checkpoint, images, "--out", tmp_path / "a.json"), "a checkpoint ends in .pth"),
    ):
        code, output = ends("adapt", "--out", out, *arguments)
        assert code == 2, output
        assert message in output, output
        assert "code ran" not in output
        assert not out.exists()
    assert (tmp_path / "taken.json").read_text() == "mine"
