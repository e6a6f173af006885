"""`CAMClassifier`: a multi-label classifier whose class activation maps are exact and cost nothing extra."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from torch import Tensor, nn

from synthmed.errors import ModelError
from synthmed.nets.bank_settings import class_count
from synthmed.nets.cam_pooling import align_cam, coverage, pooling_named, valid_cells


@MODELS.register_module()
class CAMClassifier(BaseDetector):
    """Says which classes an image holds, and where: backbone, one linear layer, pooling.

    The linear layer is applied to every cell, which gives one map per class, ``M_c = w_c . f + b_c``, and the
    logit of a class is its map pooled over the image. With average pooling that is the same as pooling the
    features first (Zhou et al. 2016, arXiv 1512.04150), and the mean of the map is the logit: the map is no
    estimate made afterwards, it is what the classifier decides by. Padding takes no part in the pooling.

    It learns from image-level labels alone: the set of labels in ``gt_instances``, never a box. A class that
    occurs only among ignored instances is left out of that image's loss.

    Args:
        backbone: config of a backbone; its last map is used.
        num_classes: number of classes, or from the ``bank``.
        bank: folder of the bank; read only where ``num_classes`` is missing.
        in_channels: channels of the backbone's last map, where it does not say so in ``out_channels``.
        pooling: ``avg``, or ``lse`` (log-mean-exp) which sees small objects better.
        sharpness: of ``lse``: near 0 it is the mean, large values tend to the maximum.
        shift_px: by how many pixels the image is moved to the upper left before it enters the backbone. 0 for
            one that pools by 2 x 2. Convolutions and pools of 3 x 3 with stride 2, as in a ResNet, put cell
            ``i`` round pixel ``i * stride``, and not over the pixels ``[i * stride, (i + 1) * stride)``:
            ``stride / 2 - 1`` mends it.
        pos_weight: per class, how much more a present class counts than an absent one.
        data_preprocessor: see MMDetection.
        train_cfg: unused; MMDetection hands it in.
        test_cfg: unused; MMDetection hands it in.
        init_cfg: initial weights.

    Raises:
        ModelError: where the settings contradict each other.
        BankError: where there is no usable bank.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        num_classes: int | None = None,
        bank: str | Path | None = None,
        in_channels: int | None = None,
        pooling: str = "avg",
        sharpness: float = 4.0,
        shift_px: int = 0,
        pos_weight: Sequence[float] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        train_cfg: dict[str, Any] | None = None,
        test_cfg: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.num_classes = class_count(bank, num_classes)
        self.backbone = MODELS.build(backbone)
        channels = in_channels or (getattr(self.backbone, "out_channels", None) or [None])[-1]
        if channels is None:
            raise ModelError(
                "the backbone does not say how many channels its map has", remedy="set in_channels"
            )
        if pos_weight is not None and len(pos_weight) != self.num_classes:
            raise ModelError(
                "pos_weight needs one value per class",
                value=list(pos_weight),
                remedy=f"{self.num_classes} values",
            )
        self.classifier = nn.Conv2d(channels, self.num_classes, 1)
        self.shift_px = shift_px
        self.pool = pooling_named(pooling, sharpness)
        weights = torch.ones(self.num_classes) if pos_weight is None else torch.tensor(pos_weight).float()
        self.register_buffer("pos_weight", weights, persistent=False)
        self._reset_classifier()

    def init_weights(self) -> None:
        """Initialize the weights; every logit begins near 0."""
        super().init_weights()
        if not self.init_cfg:
            self._reset_classifier()

    def extract_feat(self, batch_inputs: Tensor) -> Tensor:
        """``(B, F, rows, columns)``, the last map of the backbone."""
        shift = self.shift_px
        if shift:
            batch_inputs = F.pad(batch_inputs[:, :, shift:, shift:], (0, shift, 0, shift), mode="replicate")
        return self.backbone(batch_inputs)[-1]

    def cams(self, batch_inputs: Tensor) -> Tensor:
        """``(B, C, rows, columns)`` float32, the class activation maps of a batch, padding included."""
        features = self.extract_feat(batch_inputs)
        with torch.autocast(features.device.type, enabled=False):
            return self.classifier(features.float())

    def logits(self, cams: Tensor, img_shapes: Sequence[Sequence[int]], input_shape: Sequence[int]) -> Tensor:
        """``(B, C)`` float32, the maps pooled over each image without its padding.

        Args:
            cams: what `cams` returned.
            img_shapes: height and width of each image before padding.
            input_shape: height and width of the network's input.
        """
        stride = _stride(cams, input_shape)
        return self.pool(cams, coverage(img_shapes, cams.shape[2:], stride, cams))

    def loss(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample]) -> dict[str, Tensor]:
        """Mean binary cross-entropy per class; and the share of right answers, which is only reported."""
        cams = self.cams(batch_inputs)
        with torch.autocast(cams.device.type, enabled=False):
            logits = self.logits(
                cams, [sample.img_shape for sample in batch_data_samples], batch_inputs.shape[2:]
            )
            present, known = self.image_labels(batch_data_samples, logits)
            losses = F.binary_cross_entropy_with_logits(
                logits, present, pos_weight=self.pos_weight, reduction="none"
            )
            count = known.sum().clamp(min=1)
            right = ((logits.detach() > 0) == (present > 0)).float()
            return {"loss_class": (losses * known).sum() / count, "accuracy": (right * known).sum() / count}

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample], rescale: bool = True
    ) -> list[DetDataSample]:
        """Scores and class activation maps of each image, for every class whether it is predicted or not.

        Args:
            batch_inputs: ``(B, 3, H, W)``.
            batch_data_samples: with ``img_shape``; they receive ``pred_scores`` ``(C,)``, the sigmoid of the
                logits, ``pred_cam`` ``(C, rows, columns)``, the maps in units of the logit over the image
                without its padding, and ``cam_stride`` in their metainfo. `image_cam` lays a map over its
                image.
            rescale: unused, as maps are laid over the image on demand; MMDetection hands it in.
        """
        cams = self.cams(batch_inputs)
        scores = self.logits(
            cams, [sample.img_shape for sample in batch_data_samples], batch_inputs.shape[2:]
        ).sigmoid()
        stride = _stride(cams, batch_inputs.shape[2:])
        for sample, cam, score in zip(batch_data_samples, cams, scores, strict=True):
            rows, columns = valid_cells(sample.img_shape, stride)
            sample.pred_scores = score
            sample.pred_cam = cam[:, :rows, :columns]
            sample.set_metainfo(dict(cam_stride=stride))
        return batch_data_samples

    def image_labels(
        self, batch_data_samples: Sequence[DetDataSample], like: Tensor
    ) -> tuple[Tensor, Tensor]:
        """``(B, C)`` float each: 1 where a class is present, and 1 where that is known.

        Args:
            batch_data_samples: with ``gt_instances`` and possibly ``ignored_instances``.
            like: gives the device.
        """
        present = torch.zeros(len(batch_data_samples), self.num_classes, device=like.device)
        ignored = torch.zeros_like(present)
        for row, sample in enumerate(batch_data_samples):
            present[row, sample.gt_instances.labels.to(like.device)] = 1
            if "ignored_instances" in sample and "labels" in sample.ignored_instances:
                ignored[row, sample.ignored_instances.labels.to(like.device)] = 1
        return present, torch.maximum(present, 1 - ignored)

    def _forward(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample] | None = None) -> Tensor:
        return self.cams(batch_inputs)

    def _reset_classifier(self) -> None:
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        weight = state_dict.get(f"{prefix}classifier.weight")
        if weight is not None and len(weight) != self.num_classes:
            raise ModelError(
                f"the checkpoint was trained for {len(weight)} classes, the config has {self.num_classes}",
                remedy="use the bank and the config that the checkpoint was trained with, or train anew",
            )
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def image_cam(sample: DetDataSample) -> Tensor:
    """``(C, H, W)`` float32, the class activation maps of a prediction, laid over the original image.

    Args:
        sample: what `CAMClassifier.predict` returned, with ``ori_shape``.
    """
    return align_cam(sample.pred_cam, sample.cam_stride, sample.img_shape, sample.ori_shape)


def _stride(cams: Tensor, input_shape: Sequence[int]) -> int:
    """Pixels of the network's input per cell of a map."""
    stride: int = -(-int(input_shape[0]) // cams.shape[2])
    return stride
