from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synthmed.errors import ModelError
from synthmed.nets.cam_metric import CamMetric

pytestmark = pytest.mark.mmdet

META = {"classes": ("RBC", "WBC", "Platelet"), "class_sizes_px": (16.0, 32.0, 8.0)}
SHAPE = (96, 128)
INSTANCES = [
    {"bbox": [8, 16, 24, 32], "bbox_label": 0, "ignore_flag": 0},
    {"bbox": [96, 64, 128, 96], "bbox_label": 1, "ignore_flag": 0},
]


def sample(
    cells: dict[int, tuple[int, int]], scores: list[float], instances: Any = INSTANCES
) -> dict[str, Any]:
    """An image of 96 x 128 px seen at half its size, with maps that are -1 but for one cell of 4 px."""
    cam = torch.full((3, 12, 16), -1.0)
    for label, (row, column) in cells.items():
        cam[label, row, column] = 3.0
    return {
        "img_id": 0,
        "ori_shape": SHAPE,
        "img_shape": (48, 64),
        "pred_scores": torch.tensor(scores),
        "pred_cam": cam,
        "cam_stride": 4,
        "instances": instances,
    }


# RBC: cell (3, 1) is around pixel (28, 12) of the image. WBC: cell (10, 14) is around (84, 116).
GOOD = sample({0: (3, 1), 1: (10, 14)}, [0.9, 0.8, 0.1])
BAD = sample({0: (10, 14), 1: (3, 2)}, [0.9, 0.8, 0.1])
EMPTY = sample({}, [0.1, 0.1, 0.1], instances=[])


def evaluate(metric: CamMetric, samples: list[dict[str, Any]], **meta: Any) -> dict[str, float]:
    metric.dataset_meta = {**META, **meta}
    for one in samples:
        metric.process(None, [one])
    result: dict[str, float] = metric.evaluate(len(samples))
    return result


def test_maps_on_the_objects() -> None:
    found = evaluate(CamMetric(), [GOOD, EMPTY])
    for name in ("RBC", "WBC", "mean"):
        assert found[f"synthmed/{name}_pointing"] == 1.0
        assert found[f"synthmed/{name}_peak_f1"] == 1.0
        assert found[f"synthmed/{name}_ap"] == 1.0
    assert found["synthmed/RBC_energy_gain"] > 5
    assert not any("Platelet" in name for name in found), "no image has one, and no map speaks for one"


def test_maps_beside_the_objects() -> None:
    found = evaluate(CamMetric(), [BAD, EMPTY])
    assert found["synthmed/mean_pointing"] == 0.0
    assert found["synthmed/mean_peak_f1"] == 0.0
    assert found["synthmed/mean_ap"] == 1.0, "a bad map is not a bad classifier"


def test_thresholds(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.json"
    path.write_text(json.dumps({"iou": {"RBC": 0.5}}))
    evaluate(CamMetric(save_thresholds=path), [GOOD])
    saved = json.loads(path.read_text())
    assert saved["iou"] == {"RBC": 0.5}, "those of other metrics stay"
    assert 0 < saved["peak"]["RBC"] <= 3
    high = {"peak": {"RBC": 2.9, "WBC": 99.0, "Platelet": 0.0}}
    found = evaluate(CamMetric(thresholds=high), [GOOD])
    assert found["synthmed/WBC_peak_f1_tuned"] == 0.0
    assert found["synthmed/WBC_peak_f1"] == 1.0
    assert np.isfinite(evaluate(CamMetric(thresholds=str(path)), [GOOD])["synthmed/RBC_peak_f1_tuned"])


def test_class_sizes_are_needed() -> None:
    with pytest.raises(ModelError, match="the size of each class"):
        evaluate(CamMetric(), [GOOD], class_sizes_px=None)
    found = evaluate(CamMetric(class_sizes_px=[16, 32, 8]), [GOOD], class_sizes_px=None)
    assert found["synthmed/mean_pointing"] == 1.0
