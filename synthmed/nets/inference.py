"""Predictions on images of any size: boxes and class activation maps, in pixels of the original image."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from synthmed.detect.detections import detections_in_image
from synthmed.detect.model import ModelFacts
from synthmed.errors import ModelError
from synthmed.metrics.predictions import Detections, Predictions
from synthmed.nets.cam_classifier import CAMClassifier, image_cam
from synthmed.nets.gradient_cams import predict_gradient_cams
from synthmed.nets.load_model import LoadedModel, load_model, model_classes
from synthmed.points import PointSet, resolve_inside

__all__ = ["Predictor", "model_classes", "predict_detections"]

Progress = Callable[[int, int], None]


class Predictor:
    """A model loaded once, to be applied to many sets of images.

    Images are resized as the test pipeline of the config says, in batches of equal shape, so that what is
    found in one image does not depend on the others.

    Args:
        config: config of MMDetection.
        checkpoint: the ``.pth`` file.
        device: ``"auto"`` for a GPU where there is one, or what PyTorch calls a device.
        score_threshold: detections that score less are left out.
        batch_size: images per forward pass.
        bfloat16: run the network in bfloat16; faster where the hardware has it, a little less exact.

    Attributes:
        classes: the class names, in the order of labels and maps.

    Raises:
        ModelError: where config, checkpoint or device cannot be used.
    """

    def __init__(
        self,
        config: str | Path,
        checkpoint: str | Path,
        *,
        device: str = "auto",
        score_threshold: float = 0.001,
        batch_size: int = 8,
        bfloat16: bool = False,
    ) -> None:
        self.model: LoadedModel = load_model(
            config, checkpoint, device=device, score_threshold=score_threshold
        )
        self.score_threshold, self.batch_size, self.bfloat16 = score_threshold, batch_size, bfloat16
        self._limits: dict[str, int] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names."""
        return self.model.classes

    @property
    def facts(self) -> ModelFacts:
        """What config and checkpoint say about themselves."""
        return self.model.facts

    @property
    def kind(self) -> Literal["detector", "classifier"]:
        """Whether it finds boxes or makes maps."""
        return "classifier" if isinstance(self.model.network, CAMClassifier) else "detector"

    def find(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Boxes in images that have been resized already; see `synthmed.detect.model.Detector`.

        Raises:
            ModelError: the model is no detector.
        """
        return [self._detections(sample) for sample in self._look(images)]

    def maps(
        self, images: Sequence[NDArray[np.uint8]]
    ) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Scores ``(C,)`` and class activation maps ``(C, H, W)`` of images that have been resized already.

        Raises:
            ModelError: the model makes no maps.
        """
        return [self._cams(sample) for sample in self._look(images)]

    def detections(
        self, images: Sequence[str | Path], progress: Progress | None = None
    ) -> Iterator[tuple[int, Detections]]:
        """Index and detections of each image, in order.

        Raises:
            ModelError: the model is no detector.
            PointsError: an image cannot be read.
        """
        for index, sample in self._samples(images, progress, self._forward):
            yield index, self._detections(sample)

    def cams(
        self,
        images: Sequence[str | Path],
        progress: Progress | None = None,
        *,
        method: str = "cam",
        layer: str | None = None,
    ) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
        """Index, scores ``(C,)`` and class activation maps ``(C, H, W)`` of each image, in order.

        Scores are probabilities. Maps are in units of the logit, all on one scale: above 0 a pixel speaks for
        the class, and the mean of a map is the logit where the classifier pools by the mean.

        Args:
            images: image files.
            progress: called with images done and images in all.
            method: ``cam``, the exact maps of a classifier; or ``gradcam``, ``gradcam++`` or ``layercam``, of
                detectors too, whose maps are 0 or more and in units of their own.
            layer: of these three: the module that is looked at (see `predict_gradient_cams`).

        Raises:
            ModelError: the model makes no maps, or none of this kind.
            PointsError: an image cannot be read.
        """
        look = self._forward if method == "cam" else partial(self._gradients, method=method, layer=layer)
        for index, sample in self._samples(images, progress, look):
            yield index, *self._cams(sample)

    def _detections(self, sample: Any) -> Detections:
        if "pred_instances" not in sample:
            raise ModelError("the model finds no boxes", remedy="use a detector, such as those of yolov2")
        found = sample.pred_instances
        boxes, scores, labels = (
            found[key].detach().float().cpu().numpy() for key in ("bboxes", "scores", "labels")
        )
        kept = ~(scores < self.score_threshold)  # NaN stays, for the metrics to refuse
        return detections_in_image(boxes[kept], scores[kept], labels[kept].astype(np.int64), sample.ori_shape)

    @staticmethod
    def _cams(sample: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if "pred_cam" not in sample:
            raise ModelError(
                "the model makes no class activation maps", remedy="use a classifier, such as those of cam"
            )
        return sample.pred_scores.float().cpu().numpy(), image_cam(sample).cpu().numpy()

    def _samples(
        self,
        images: Sequence[str | Path],
        progress: Progress | None,
        look: Callable[[Sequence[dict[str, Any]]], Sequence[Any]],
    ) -> Iterator[tuple[int, Any]]:
        done = 0
        for batch in self._batches(images):
            for sample in look(batch):
                yield done, sample
                done += 1
            if progress is not None:
                progress(done, len(images))

    def _look(self, images: Sequence[NDArray[np.uint8]]) -> Sequence[Any]:
        """Predictions on RGB images at the scale of the network, which all have one shape after padding."""
        batch = []
        for index, image in enumerate(images):
            shape = image.shape[:2]
            batch.append(
                self.model.last_steps(
                    {
                        "img": np.ascontiguousarray(image[:, :, ::-1]),
                        "img_id": index,
                        "img_path": "",
                        "img_shape": shape,
                        "ori_shape": shape,
                        "scale_factor": (1.0, 1.0),
                    }
                )
            )
        self._make_room(max((image.shape[0] * image.shape[1] for image in images), default=0))
        return self._forward(batch) if batch else []

    def _make_room(self, area_px: int) -> None:
        """Let the number of boxes that a detector may tell of grow with the area that it sees."""
        head, canvas = getattr(self.model.network, "bbox_head", None), self.facts.canvas_px
        limits = getattr(head, "test_cfg", None)
        if not limits or canvas is None:
            return
        if self._limits is None:
            self._limits = {key: limits[key] for key in ("nms_pre", "max_per_img") if key in limits}
        times = max(1.0, area_px / (canvas[0] * canvas[1]))
        limits.update({key: math.ceil(limit * times) for key, limit in self._limits.items()})

    def _batches(self, images: Sequence[str | Path]) -> Iterator[list[dict[str, Any]]]:
        batch: list[dict[str, Any]] = []
        for index, path in enumerate(images):
            item = self.model.pipeline({"img_path": str(path), "img_id": index})
            other_shape = bool(batch) and batch[0]["inputs"].shape != item["inputs"].shape
            if other_shape or len(batch) == self.batch_size:
                yield batch
                batch = []
            batch.append(item)
        if batch:
            yield batch

    def _forward(self, batch: Sequence[dict[str, Any]]) -> Sequence[Any]:
        data = _collated(batch)
        with (
            torch.inference_mode(),
            torch.autocast(self.model.device.type, torch.bfloat16, enabled=self.bfloat16),
        ):
            samples: Sequence[Any] = self.model.network.test_step(data)
        return samples

    def _gradients(self, batch: Sequence[dict[str, Any]], method: str, layer: str | None) -> Sequence[Any]:
        data = self.model.network.data_preprocessor(_collated(batch), False)
        return predict_gradient_cams(self.model.network, data["inputs"], data["data_samples"], method, layer)


def _collated(batch: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    return {key: [item[key] for item in batch] for key in ("inputs", "data_samples")}


def predict_detections(
    predictor: Predictor, points: PointSet, images_dir: str | Path, progress: Progress | None = None
) -> Predictions:
    """Detections on the images of a `PointSet`, in its order of images and classes.

    Raises:
        ModelError: the model is no detector, or its classes are others.
        PointsError: an image cannot be read.
    """
    order = label_order(predictor.classes, points.classes)
    paths = [resolve_inside(images_dir, name) for name in points.images]
    found = [detections for _, detections in predictor.detections(paths, progress)]
    return Predictions.of_images([one._replace(labels=order[one.labels]) for one in found])


def label_order(of_model: Sequence[str], of_points: Sequence[str]) -> NDArray[np.int64]:
    """``(C,)`` int, the label that each class of a model has in other data.

    Raises:
        ModelError: the class names are not the same.

    Examples:
        >>> label_order(("RBC", "WBC"), ("WBC", "RBC")).tolist()
        [1, 0]
    """
    if set(of_model) != set(of_points):
        raise ModelError(
            f"the model knows the classes {', '.join(of_model)}, the points have others",
            value=", ".join(of_points),
            remedy="read the points with classes=model_classes(checkpoint), or use a model of these classes",
        )
    return np.array([list(of_points).index(name) for name in of_model], dtype=np.int64)
