"""`YOLOv2Head`: passthrough, region loss and decoding, for MMDetection's ``SingleStageDetector``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.utils import filter_scores_and_topk
from mmdet.registry import MODELS
from mmdet.structures.bbox import get_box_tensor
from mmengine.config import ConfigDict
from mmengine.dist import get_world_size
from mmengine.structures import InstanceData
from torch import Tensor, nn

from synthmed.detect.nms import Selection
from synthmed.errors import ModelError
from synthmed.nets.bank_settings import detector_settings
from synthmed.nets.box_grid import BoxGrid
from synthmed.nets.every_slot import EverySlot, selection_of
from synthmed.nets.passthrough import Passthrough
from synthmed.nets.region_loss import RegionLoss, Truth

DEFAULT_TEST_CFG = dict(
    nms_pre=1000, score_thr=0.001, nms=dict(type="nms", iou_threshold=0.45), max_per_img=500, min_bbox_size=0
)


@MODELS.register_module()
class YOLOv2Head(BaseDenseHead):
    """The detection layers of YOLOv2 (Redmon and Farhadi 2017, arXiv 1612.08242).

    After the convolutions of `Passthrough`, a 1 x 1 convolution gives ``A * (5 + C)`` values per cell. As
    published it takes the maps of strides 16 and 32 and predicts on the grid of stride 32. With ``stride=16``
    (or 8) the deep map is enlarged instead, for small objects.

    The number of classes and the anchors come from the ``bank``, or are given. The anchors are stored in
    checkpoints, and those of a checkpoint are the ones used.

    Args:
        in_channels: channels of the maps, the finest first.
        in_strides: their strides in pixels.
        stride: stride of the grid that boxes are predicted on.
        feat_channels: channels of the 3 x 3 convolutions.
        stacked_convs: 3 x 3 convolutions before the concatenation.
        passthrough_channels: channels of an earlier map before space-to-depth.
        bank: folder of the bank; read only where ``num_classes`` or ``anchors_wh_px`` is missing.
        recipe: the recipe of the training scenes, as `SceneDataset` takes it: it decides how large objects
            appear.
        size_px: height and width of the scenes, where not the recipe's.
        num_anchors: how many anchors are sought in the bank.
        num_classes: number of classes.
        anchors_wh_px: widths and heights of the anchors in pixels of the network's input.
        loss: fields of `RegionLoss`; ``dict(published=True)`` is the loss of the paper.
        objectness_prior: the objectness that every slot begins with; 0.01 if not given, and 0.5 with a
            ``squared`` objectness, whose gradient vanishes near 0.
        norm_cfg: the norm layer.
        train_cfg: unused; MMDetection hands it in.
        test_cfg: ``score_thr``, ``nms_pre``, ``nms``, ``max_per_img``; see ``DEFAULT_TEST_CFG``.
        init_cfg: initial weights.

    Raises:
        ModelError: where the settings contradict each other.
        BankError: where there is no usable bank.
    """

    anchors_wh_px: Tensor
    images_seen: Tensor

    def __init__(
        self,
        in_channels: Sequence[int] = (512, 1024),
        in_strides: Sequence[int] = (16, 32),
        stride: int = 32,
        feat_channels: int = 1024,
        stacked_convs: int = 2,
        passthrough_channels: int = 64,
        bank: str | Path | None = None,
        recipe: Mapping[str, Any] | str | Path | None = None,
        size_px: Sequence[int] | None = None,
        num_anchors: int = 5,
        num_classes: int | None = None,
        anchors_wh_px: Sequence[Sequence[float]] | None = None,
        loss: dict[str, Any] | None = None,
        objectness_prior: float | None = None,
        norm_cfg: dict[str, Any] | None = None,
        train_cfg: dict[str, Any] | None = None,
        test_cfg: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_classes, anchors = detector_settings(
            bank, recipe, size_px, num_classes, anchors_wh_px, num_anchors
        )
        self.region_loss = RegionLoss.from_config(loss)
        if objectness_prior is None:
            objectness_prior = 0.5 if self.region_loss.objectness == "squared" else 0.01
        if not 0 < objectness_prior < 1:
            raise ModelError(
                "objectness_prior must lie between 0 and 1", value=objectness_prior, remedy="use 0.01"
            )
        self.stride, self.level_strides = stride, (stride,)
        self.objectness_prior, self.train_cfg = objectness_prior, train_cfg
        self.test_cfg = ConfigDict({**DEFAULT_TEST_CFG, **(test_cfg or {})})
        self.register_buffer("anchors_wh_px", torch.tensor(anchors, dtype=torch.float32))
        self.register_buffer("images_seen", torch.zeros((), dtype=torch.long))

        self.layers = Passthrough(
            in_channels, in_strides, stride, feat_channels, stacked_convs, passthrough_channels, norm_cfg
        )
        self.predictor = nn.Conv2d(feat_channels, len(anchors) * (5 + self.num_classes), 1)
        self._reset_predictor()

    def init_weights(self) -> None:
        """Initialize the weights; every slot begins as background."""
        super().init_weights()
        if not self.init_cfg:
            self._reset_predictor()

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor]:
        """Raw predictions.

        Args:
            maps: one ``(B, in_channels[i], H / in_strides[i], W / in_strides[i])`` map each, the finest
                first.

        Returns:
            One ``(B, A * (5 + C), H / stride, W / stride)`` map, float32.
        """
        features = self.layers(maps)
        with torch.autocast(features.device.type, enabled=False):
            return (self.predictor(features.float()),)

    def loss_by_feat(
        self,
        raw_map: Tensor,
        batch_gt_instances: Sequence[InstanceData],
        batch_img_metas: Sequence[dict[str, Any]],
        batch_gt_instances_ignore: Sequence[InstanceData | None] | None = None,
    ) -> dict[str, Tensor]:
        """The region loss.

        Args:
            raw_map: what `forward` returned.
            batch_gt_instances: ``bboxes`` and ``labels`` of each image.
            batch_img_metas: not used.
            batch_gt_instances_ignore: ``bboxes`` of regions where nothing is learned about the background.
        """
        grid = self.grid(raw_map)
        ignored = batch_gt_instances_ignore or [None] * len(batch_gt_instances)
        truths = [
            Truth(_boxes(objects, raw_map), objects.labels.to(raw_map.device), _boxes(regions, raw_map))
            for objects, regions in zip(batch_gt_instances, ignored, strict=True)
        ]
        with torch.autocast(raw_map.device.type, enabled=False):
            losses = self.region_loss(grid.flatten(raw_map), truths, grid, int(self.images_seen))
        if self.training:
            self.images_seen += len(raw_map) * get_world_size()
        return losses

    def predict_by_feat(
        self,
        raw_map: Tensor,
        batch_img_metas: Sequence[dict[str, Any]],
        cfg: dict[str, Any] | None = None,
        rescale: bool = False,
        with_nms: bool = True,
    ) -> list[InstanceData]:
        """Boxes, scores and labels of each image.

        The score is objectness times class probability. Boxes are clipped to the image without its padding,
        and those that lie wholly in the padding are dropped.

        Args:
            raw_map: what `forward` returned.
            batch_img_metas: ``img_shape``, and with ``rescale`` also ``scale_factor``.
            cfg: in place of ``test_cfg``.
            rescale: whether boxes are given in pixels of the original image.
            with_nms: whether overlapping boxes of a class are removed.
        """
        cfg = ConfigDict({**self.test_cfg, **(cfg or {})})
        boxes, scores, _ = self.every_slot(raw_map)
        return [
            self._bbox_post_process(
                _candidates(boxes[index], scores[index], meta["img_shape"], cfg), cfg, rescale, with_nms, meta
            )
            for index, meta in enumerate(batch_img_metas)
        ]

    def every_slot(self, raw_map: Tensor) -> EverySlot:
        """Boxes and scores of all slots of what `forward` returned, in the order of `BoxGrid`."""
        grid = self.grid(raw_map)
        raw = grid.flatten(raw_map)
        scores = raw[..., 4:5].sigmoid() * self.class_probabilities(raw[..., 5:])
        return EverySlot(grid.decode(raw, grid.all_slots()), scores)

    def selection(self) -> Selection:
        """What `predict_by_feat` keeps."""
        return selection_of(self.test_cfg)

    def class_probabilities(self, logits: Tensor) -> Tensor:
        """``(..., C)``, of the kind that the loss trains."""
        return logits.softmax(dim=-1) if self.region_loss.classes == "softmax" else logits.sigmoid()

    def grid(self, raw_map: Tensor) -> BoxGrid:
        """The slots of a map of predictions."""
        return BoxGrid(raw_map.shape[2], raw_map.shape[3], self.stride, self.anchors_wh_px)

    def _reset_predictor(self) -> None:
        nn.init.normal_(self.predictor.weight, std=0.01)
        nn.init.zeros_(self.predictor.bias)
        per_anchor = self.predictor.bias.data.view(len(self.anchors_wh_px), -1)
        per_anchor[:, 4] = math.log(self.objectness_prior / (1 - self.objectness_prior))

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        anchors = state_dict.get(f"{prefix}anchors_wh_px")
        weight = state_dict.get(f"{prefix}predictor.weight")
        if anchors is not None and weight is not None:
            theirs = len(anchors), len(weight) // max(1, len(anchors)) - 5
            ours = len(self.anchors_wh_px), self.num_classes
            if theirs != ours:
                raise ModelError(
                    f"the checkpoint has {theirs[0]} anchors and {theirs[1]} classes, "
                    f"the config has {ours[0]} and {ours[1]}",
                    remedy="use the bank and the config that the checkpoint was trained with, or train anew",
                )
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _boxes(instances: InstanceData | None, like: Tensor) -> Tensor:
    """``(N, 4)`` float32 boxes of instances, on the device of ``like``."""
    if instances is None or not len(instances):
        return like.new_zeros((0, 4), dtype=torch.float32)
    return get_box_tensor(instances.bboxes).to(like.device, torch.float32)


def _candidates(boxes: Tensor, scores: Tensor, img_shape: Sequence[int], cfg: ConfigDict) -> InstanceData:
    """The best boxes of one image above the score threshold, clipped to the image."""
    kept_scores, labels, _, kept = filter_scores_and_topk(
        scores, cfg.score_thr, cfg.nms_pre, dict(boxes=boxes)
    )
    limit = boxes.new_tensor((img_shape[1], img_shape[0]) * 2)
    return InstanceData(bboxes=kept["boxes"].clamp(min=0).minimum(limit), scores=kept_scores, labels=labels)
