from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed
import torch.multiprocessing

from synthmed.errors import ModelError, SynthmedError
from synthmed.nets.box_metric import BoxMetric
from synthmed.nets.f1_metric import F1Metric

pytestmark = pytest.mark.mmdet

META = {"classes": ("RBC", "WBC", "Platelet"), "class_sizes_px": (10.0, 20.0, 4.0), "has_boxes": True}


def sample(
    found: list[tuple[list[float], float, int]], truth: list[tuple[list[float], int, int]], image: int = 0
) -> dict[str, Any]:
    """A data sample; boxes are x0, y0, x1, y1."""
    return {
        "img_id": image,
        "ori_shape": (100, 200),
        "pred_instances": {
            "bboxes": torch.tensor([box for box, _, _ in found]).reshape(-1, 4),
            "scores": torch.tensor([score for _, score, _ in found]),
            "labels": torch.tensor([label for _, _, label in found], dtype=torch.long),
        },
        "instances": [
            {"bbox": box, "bbox_label": label, "ignore_flag": ignored} for box, label, ignored in truth
        ],
    }


# Image 0: an RBC found well, one found only by its centre, and one at the border; a false WBC of low score.
FIRST = sample(
    [
        ([10, 20, 20, 30], 0.9, 0),
        ([52, 50, 58, 60], 0.5, 0),
        ([190, 0, 200, 10], 0.8, 0),
        ([100, 50, 120, 70], 0.2, 1),
    ],
    [([10, 20, 20, 30], 0, 0), ([45, 46, 65, 64], 0, 0), ([190, 0, 200, 10], 0, 1)],
)
# Image 1: a WBC that nothing finds.
SECOND = sample([], [([0, 0, 20, 20], 1, 0)], image=1)


def evaluate(metric: Any, samples: list[dict[str, Any]], **meta: Any) -> dict[str, float]:
    metric.dataset_meta = {**META, **meta}
    for one in samples:
        metric.process(None, [one])
    result: dict[str, float] = metric.evaluate(len(samples))
    return result


def test_the_fixed_threshold() -> None:
    found = evaluate(F1Metric(), [FIRST, SECOND])
    assert found == pytest.approx(
        {
            "synthmed/RBC_f1": 0.5,
            "synthmed/WBC_f1": 0.0,
            "synthmed/mean_f1": 0.25,
            "synthmed/RBC_center_f1": 1.0,
            "synthmed/WBC_center_f1": 0.0,
            "synthmed/mean_center_f1": 0.5,
        }
    ), "Platelet has neither objects nor detections, and the object at the border does not count"


def test_nothing_found_and_nothing_there() -> None:
    assert evaluate(F1Metric(), [sample([], [])]) == {}


def test_without_boxes_only_centres_count() -> None:
    found = evaluate(F1Metric(), [FIRST, SECOND], has_boxes=False)
    assert set(found) == {"synthmed/RBC_center_f1", "synthmed/WBC_center_f1", "synthmed/mean_center_f1"}
    assert evaluate(BoxMetric(), [FIRST, SECOND], has_boxes=False) == {}


def test_coco_metric_where_nothing_is_found() -> None:
    assert evaluate(BoxMetric(), [sample([], [([10, 10, 30, 30], 0, 0)])]) == {"coco/bbox_mAP": 0.0}


def test_coco_metric_where_there_are_boxes() -> None:
    found = evaluate(BoxMetric(), [FIRST, SECOND])
    assert 0 < found["coco/bbox_mAP_50"] < 1


def test_thresholds_are_saved_on_train_and_used_on_val(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.json"
    evaluate(F1Metric(save_thresholds=path), [FIRST, SECOND])
    saved = json.loads(path.read_text())
    assert 0.2 < saved["iou"]["WBC"]
    assert 0.5 < saved["iou"]["RBC"] <= 0.9
    assert saved["center"]["RBC"] <= 0.5
    found = evaluate(F1Metric(thresholds=str(path)), [FIRST, SECOND])
    assert found["synthmed/RBC_f1_tuned"] == pytest.approx(2 / 3)
    assert found["synthmed/RBC_f1"] == pytest.approx(0.5)
    assert found["synthmed/RBC_center_f1_tuned"] == pytest.approx(1.0)


def test_thresholds_may_stand_in_the_config() -> None:
    metric = F1Metric(thresholds={"center": {"RBC": 0.6, "WBC": 0.1, "Platelet": 0.5}})
    found = evaluate(metric, [FIRST, SECOND])
    assert found["synthmed/RBC_center_f1_tuned"] == pytest.approx(2 / 3)
    assert "synthmed/RBC_f1_tuned" not in found


def test_detections_beyond_the_image_are_clipped() -> None:
    truth = [([180, 80, 200, 100], 1, 0)]
    outside = [([180, 80, 240, 140], 0.9, 1), ([300, 0, 320, 20], 0.8, 1)]
    assert evaluate(F1Metric(), [sample(outside, truth)])["synthmed/WBC_f1"] == 1.0


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"iou": {"RBC": 0.5}}, "the thresholds lack a class"),
        ({"iou": [0.5]}, "thresholds are not scores per class"),
        ("/nowhere.json", "the thresholds cannot be read"),
    ],
)
def test_bad_thresholds(thresholds: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        evaluate(F1Metric(thresholds=thresholds), [FIRST])


def test_what_is_missing_is_named() -> None:
    bare = {key: value for key, value in FIRST.items() if key != "instances"}
    with pytest.raises(ModelError, match="the data samples carry no truth"):
        evaluate(F1Metric(), [bare])
    with pytest.raises(SynthmedError, match="size"):
        evaluate(F1Metric(), [FIRST], class_sizes_px=None)


def _measure(rank: int, samples: list[dict[str, Any]], folder: Path) -> None:
    """What one of two processes does: it sees every other image, the last one again to even out."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2
    )
    metric = F1Metric(collect_dir=str(folder / "parts"))
    metric.dataset_meta = META
    padded = [*samples, samples[0]][: len(samples) + len(samples) % 2]
    for one in padded[rank::2]:
        metric.process(None, [one])
    (folder / f"{rank}.json").write_text(json.dumps(metric.evaluate(len(samples))))


def test_two_processes_measure_what_one_does(tmp_path: Path) -> None:
    samples = [FIRST, SECOND, {**FIRST, "img_id": 2}]
    torch.multiprocessing.start_processes(_measure, (samples, tmp_path), nprocs=2, start_method="fork")
    alone = evaluate(F1Metric(), samples)
    for rank in (0, 1):
        assert json.loads((tmp_path / f"{rank}.json").read_text()) == pytest.approx(alone)
