"""An exported network in ONNX Runtime: no PyTorch, no MMDetection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synthmed._files import file_digest
from synthmed.detect.cam_align import align_maps
from synthmed.detect.detections import detections_in_image
from synthmed.detect.model import ModelFacts
from synthmed.detect.nms import Selection, select_boxes
from synthmed.detect.scaled import pad_with_median
from synthmed.errors import ModelError
from synthmed.metrics.predictions import Detections

METADATA = "synthmed"
"""The entry of the model's ``metadata_props`` that says everything else, as JSON."""

FORMAT = 2
"""Of that entry. The first had one ``stride``, detectors of one level, and did not name its format."""

Image = NDArray[np.uint8]
Kind = Literal["detector", "classifier"]


class OnnxModel:
    """A network that `synthmed export` wrote.

    Args:
        path: the ``.onnx`` file.
        threads: threads per forward pass; 0 for as many as ONNX Runtime thinks fit.
        score_threshold: detections that score less are left out.

    Attributes:
        facts: what the file says about itself.
        kind: whether it finds boxes or makes maps.

    Raises:
        ModelError: ONNX Runtime is not installed, or the file is damaged or not one of synthmed's.
    """

    def __init__(self, path: str | Path, *, threads: int = 0, score_threshold: float = 0.001) -> None:
        self.score_threshold = score_threshold
        self._session = _session(Path(path), threads)
        about = _metadata(self._session, path)
        try:
            self.kind: Kind = about["kind"]
            self.facts = ModelFacts(
                classes=tuple(about["classes"]),
                canvas_px=None
                if about["canvas_px"] is None
                else (about["canvas_px"][0], about["canvas_px"][1]),
                scale=about["scale"],
                class_sizes_px=None if about["class_sizes_px"] is None else tuple(about["class_sizes_px"]),
                thresholds=about["thresholds"],
                digest=file_digest(Path(path)),
            )
            self._divisor = int(about["size_divisor"])
            strides = about["strides"] if about.get("format", 1) > 1 else [about["stride"]]
            self._strides = tuple(int(stride) for stride in strides)
            self._selection = Selection(**about["selection"])
        except (KeyError, TypeError, ValueError) as error:
            raise _foreign(path, f"{type(error).__name__}: {error}") from error

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of labels and maps."""
        return self.facts.classes

    def find(self, images: Sequence[Image]) -> list[Detections]:
        """Boxes in images that have been resized already; see `synthmed.detect.model.Detector`.

        Raises:
            ModelError: the model is no detector.
        """
        if self.kind != "detector":
            raise ModelError(
                "the model finds no boxes", remedy="export and use a detector, such as those of yolov2"
            )
        if not images:
            return []
        stacked = self._stacked(images)
        outputs = self._session.run(None, {"images": stacked})
        named = dict(zip((one.name for one in self._session.get_outputs()), outputs, strict=True))
        found = []
        for index, image in enumerate(images):
            own = {name: values[index].astype(np.float64) for name, values in named.items()}
            height, width = image.shape[:2]
            selection = self._selection_for(height * width)
            if selection.clipped:
                own["boxes"] = np.clip(own["boxes"], 0, np.array([width, height, width, height]))
            level_sizes = self._level_sizes(stacked.shape[2:], len(own["boxes"]))
            boxes, values, labels = select_boxes(**own, selection=selection, level_sizes=level_sizes)
            found.append(detections_in_image(boxes, values, labels, (height, width)))
        return found

    def maps(self, images: Sequence[Image]) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Scores ``(C,)`` and class activation maps ``(C, H, W)`` of images that have been resized already.

        Raises:
            ModelError: the model makes no maps.
        """
        if self.kind != "classifier":
            raise ModelError(
                "the model makes no class activation maps",
                remedy="export and use a classifier, such as those of cam",
            )
        if not images:
            return []
        shapes = np.array([image.shape[:2] for image in images], dtype=np.float32)
        maps, scores = self._session.run(None, {"images": self._stacked(images), "shapes": shapes})
        return [
            (own, align_maps(cam, self._strides[-1], image.shape[:2], image.shape[:2]))
            for image, cam, own in zip(images, maps, scores, strict=True)
        ]

    def _stacked(self, images: Sequence[Image]) -> Image:
        """``(B, 3, H, W)``, all padded with their background to one shape."""
        shape = np.max([image.shape[:2] for image in images], axis=0)
        height, width = (int(-(-side // self._divisor) * self._divisor) for side in shape)
        padded = [pad_with_median(image, height, width) for image in images]
        return np.ascontiguousarray(np.stack(padded).transpose(0, 3, 1, 2))

    def _level_sizes(self, shape: Sequence[int], slots: int) -> list[int]:
        """How many of the slots are each level's; each of its cells has as many as those of the others."""
        cells = [(shape[0] // stride) * (shape[1] // stride) for stride in self._strides]
        return [slots // sum(cells) * own for own in cells]

    def _selection_for(self, area_px: int) -> Selection:
        """The limits on the number of boxes are for one canvas; a larger image may have more."""
        canvas = self.facts.canvas_px
        selection = self._selection.for_area(area_px / (canvas[0] * canvas[1]) if canvas else 1.0)
        return replace(selection, min_score=self.score_threshold)


def _session(path: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            "ONNX models need ONNX Runtime", file=path, remedy='pip install "synthmed[onnx]"'
        ) from error
    if not path.is_file():
        raise ModelError("there is no such model", file=path, remedy="write it with `synthmed export`")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=onnxruntime.get_available_providers()
        )
    except Exception as error:  # ONNX Runtime has no error of its own for a damaged file
        raise ModelError(
            "the ONNX model cannot be loaded",
            file=path,
            value=" ".join(str(error).split())[:200],
            remedy="it may be cut off: write it again with `synthmed export`",
        ) from error


def _metadata(session: Any, path: str | Path) -> Mapping[str, Any]:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA)
    try:
        about = json.loads(text or "")
    except ValueError as error:
        raise _foreign(path, "it has no entry 'synthmed'") from error
    if not isinstance(about, Mapping) or about.get("kind") not in ("detector", "classifier"):
        raise _foreign(path, "its entry 'synthmed' is of another kind")
    if about.get("format", 1) not in range(1, FORMAT + 1):
        raise ModelError(
            "a later version of synthmed wrote the ONNX model",
            file=path,
            value=f"format {about['format']}, known are those up to {FORMAT}",
            remedy="upgrade synthmed, or export the model again with this one",
        )
    return about


def _foreign(path: str | Path, why: str) -> ModelError:
    return ModelError(
        f"the ONNX model does not say what it is: {why}",
        file=path,
        remedy="use one that `synthmed export` wrote",
    )
