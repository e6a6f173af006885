"""Pipeline steps for microscopy images: reading, padding with background, photometric jitter."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from numpy.typing import NDArray

from synthmed.detect.scaled import pad_with_median
from synthmed.points.images import read_image


@TRANSFORMS.register_module()
class ReadMicrograph(BaseTransform):
    """Read ``img_path`` as every other part of synthmed does, and hand it on as BGR.

    Images of 16 bits, of several pages, with alpha or an EXIF orientation come out as they did when the
    bank was cut, which OpenCV's reader does not promise.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``img`` (``(H, W, 3)`` uint8, BGR), ``img_shape`` and ``ori_shape``."""
        image = cv2.cvtColor(read_image(results["img_path"]), cv2.COLOR_RGB2BGR)
        results["img"] = image
        results["img_shape"] = results["ori_shape"] = image.shape[:2]
        return results


@TRANSFORMS.register_module()
class PadWithBackground(BaseTransform):
    """Pad at the bottom and right with the median colour of the image.

    On a slide the median is the background or close to it. A black or grey bar beside the image would be
    an edge that no scene shows in training. ``img_shape`` stays that of the image without the padding, as it
    does where MMDetection pads a batch, so that heads clip boxes to the image.

    Args:
        size_divisor: pad height and width to multiples of it.
        size: pad to this ``(width, height)`` at least, so that images of different shapes fit in a batch.
    """

    def __init__(self, size_divisor: int = 32, size: tuple[int, int] | None = None) -> None:
        self.size_divisor = size_divisor
        self.size = size

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pad ``img`` and note its new shape as ``pad_shape``."""
        image = results["img"]
        least = image.shape[:2] if self.size is None else np.maximum(image.shape[:2], self.size[::-1])
        height, width = (-(-int(side) // self.size_divisor) * self.size_divisor for side in least)
        results["img"] = pad_with_median(image, height, width)
        results["pad_shape"] = (height, width)
        return results


@TRANSFORMS.register_module()
class PhotometricJitter(BaseTransform):
    """Vary exposure, contrast and white balance of the whole image, as microscopes and cameras do.

    One look-up table per channel, ``255 * gain * (value / 255) ** gamma + offset``, where gain is a common
    factor times one of the channel. A table costs a fraction of what a way through HSV costs.

    Args:
        gain: the common factor lies in ``1 - gain .. 1 + gain``.
        balance: the same for each channel on its own.
        gamma: the exponent lies between ``1 / (1 + gamma)`` and ``1 + gamma``.
        offset: the offset lies in ``-offset .. offset`` grey levels.
    """

    def __init__(
        self, gain: float = 0.15, balance: float = 0.03, gamma: float = 0.2, offset: float = 10
    ) -> None:
        self.gain, self.balance, self.gamma, self.offset = gain, balance, gamma, offset

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``img``."""
        # The global generator: MMEngine seeds it in each worker, and a SceneDataset for each scene.
        draw = np.random.uniform
        gain = draw(1 - self.gain, 1 + self.gain) * draw(1 - self.balance, 1 + self.balance, 3)
        gamma = (1 + self.gamma) ** draw(-1, 1)
        table = jitter_table(gain, gamma, draw(-self.offset, self.offset))
        # Channel by channel, and kept as planes: less than half of the time, and packing then copies nothing.
        planes = np.empty((3, *results["img"].shape[:2]), dtype=np.uint8)
        for channel, plane in enumerate(cv2.split(results["img"])):
            cv2.LUT(plane, np.ascontiguousarray(table[:, :, channel]), dst=planes[channel])
        results["img"] = planes.transpose(1, 2, 0)
        return results


def jitter_table(gain: NDArray[np.float64], gamma: float, offset: float) -> NDArray[np.uint8]:
    """The look-up table of a photometric change.

    Args:
        gain: ``(3,)`` float, a factor per channel.
        gamma: the exponent.
        offset: added at the end, in grey levels.

    Returns:
        ``(1, 256, 3)`` uint8, as ``cv2.LUT`` takes it.

    Examples:
        >>> jitter_table(np.ones(3), 1.0, 0.0)[0, :3, 0].tolist()
        [0, 1, 2]
    """
    levels = np.linspace(0, 1, 256)[:, None] ** gamma
    return np.clip(np.rint(255 * levels * gain + offset), 0, 255).astype(np.uint8)[None]


@TRANSFORMS.register_module()
class TakePart(BaseTransform):
    """Keep a part of the image, with the objects that lie in it; the scale stays that of the whole.

    A network that learns from image-level labels hears more of each object where fewer share a label. A
    small object of a rare class would hardly ever be in a small part, so parts round objects can be asked
    for: a class among those of the image, all with the same chance, then an object of it.

    Args:
        size: width and height of the part; an image that is smaller along an axis is kept whole along it.
        min_left: an object of whose box less is left, as a share, is ignored rather than present.
        round_object: the chance that the part is taken so that the centre of an object lies in it, and not at
            any place.
    """

    def __init__(self, size: tuple[int, int], min_left: float = 0.5, round_object: float = 0.0) -> None:
        self.size, self.min_left, self.round_object = size, min_left, round_object

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``img``, ``img_shape`` and the boxes with their labels and flags."""
        image = results["img"]
        height, width = image.shape[:2]
        columns, rows = (min(side, whole) for side, whole in zip(self.size, (width, height), strict=True))
        low, high = np.zeros(2, int), np.array([height - rows, width - columns])
        labels = results.get("gt_bboxes_labels", np.zeros(0))
        if len(labels) and np.random.random() < self.round_object:
            label = np.random.choice(np.unique(labels))
            center = results["gt_bboxes"].centers.numpy()[
                np.random.choice(np.flatnonzero(labels == label)), ::-1
            ]
            high = np.clip(center, 0, high).astype(int)
            low = np.clip(np.ceil(center - (rows, columns)).astype(int), 0, high)
        top, left = np.random.randint(low, high + 1)
        results["img"] = np.ascontiguousarray(image[top : top + rows, left : left + columns])
        results["img_shape"] = (rows, columns)
        if "gt_bboxes" not in results:
            return results
        boxes = results["gt_bboxes"]
        areas = boxes.areas
        boxes.translate_((-left, -top))
        boxes.clip_((rows, columns))
        left_over = (boxes.areas / areas.clamp(min=1e-6)).numpy()
        kept = left_over > 0
        results["gt_bboxes"] = boxes[kept]
        results["gt_bboxes_labels"] = results["gt_bboxes_labels"][kept]
        results["gt_ignore_flags"] = (results["gt_ignore_flags"] | (left_over < self.min_left))[kept]
        return results
