"""`BoxGrid`: how YOLOv2 writes boxes into a map, and which cell and anchor answers for which object."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# exp of this times the anchor is the largest box that can be predicted; it keeps early training finite.
MAX_LOG_SCALE = 5.0


@dataclass(frozen=True, eq=False)
class BoxGrid:
    """The slots of one map: every cell has one slot per anchor.

    Slots are numbered ``(row * columns + column) * A + anchor``. A slot's raw values ``(x, y, w, h)`` stand
    for a box with the centre ``(cell + sigmoid((x, y))) * stride`` and the size ``anchor * exp((w, h))``
    (Redmon and Farhadi 2017, section 2). Boxes are ``(x0, y0, x1, y1)`` in pixels of the network's input, as
    everywhere in MMDetection.

    Attributes:
        rows: cells down.
        columns: cells across.
        stride: pixels per cell.
        anchors_wh_px: ``(A, 2)`` float, widths and heights.
    """

    rows: int
    columns: int
    stride: int
    anchors_wh_px: Tensor

    def __len__(self) -> int:
        """The number of slots."""
        return self.rows * self.columns * len(self.anchors_wh_px)

    @property
    def area_px(self) -> float:
        """The area of the network's input."""
        return float(self.rows * self.columns * self.stride**2)

    def flatten(self, maps: Tensor) -> Tensor:
        """Turn ``(B, A * K, rows, columns)`` maps to ``(B, slots, K)`` float32."""
        anchors = len(self.anchors_wh_px)
        return maps.permute(0, 2, 3, 1).unflatten(-1, (anchors, -1)).flatten(1, 3).float()

    def cells(self, slots: Tensor) -> Tensor:
        """``(P, 2)`` float, column and row of each slot."""
        cell = torch.div(slots, len(self.anchors_wh_px), rounding_mode="floor")
        return torch.stack((cell % self.columns, cell // self.columns), dim=-1).float()

    def anchors(self, slots: Tensor) -> Tensor:
        """``(P, 2)`` float, width and height of each slot's anchor."""
        return self.anchors_wh_px[slots % len(self.anchors_wh_px)]

    def all_slots(self) -> Tensor:
        """``(slots,)`` int, every slot."""
        # Not len(self), an int: while a network is exported, rows and columns are tensors.
        slots = self.rows * self.columns * len(self.anchors_wh_px)
        return torch.arange(slots, device=self.anchors_wh_px.device)

    def decode(self, raw: Tensor, slots: Tensor) -> Tensor:
        """Boxes of raw values.

        Args:
            raw: ``(..., P, 4 or more)``; columns from the fifth on are not read.
            slots: ``(P,)`` int.

        Returns:
            ``(..., P, 4)`` boxes.
        """
        centers = (self.cells(slots) + raw[..., :2].sigmoid()) * self.stride
        half = self.anchors(slots) * raw[..., 2:4].clamp(max=MAX_LOG_SCALE).exp() / 2
        return torch.cat((centers - half, centers + half), dim=-1)

    def encode(self, boxes: Tensor, slots: Tensor) -> Tensor:
        """What the slots should say, the inverse of `decode` up to the sigmoid of the first two.

        Args:
            boxes: ``(P, 4)``, each with its centre in the cell of its slot.
            slots: ``(P,)`` int.

        Returns:
            ``(P, 4)``: offsets of the centre from the cell's corner in 0..1, and logarithms of size over
            anchor.
        """
        offsets = centers_of(boxes) / self.stride - self.cells(slots)
        return torch.cat((offsets.clamp(0, 1), (sizes_of(boxes) / self.anchors(slots)).log()), dim=-1)

    def assign(self, boxes: Tensor, spill: bool = False) -> Tensor:
        """The slot that answers for each object: the cell of its centre, and there the anchor most like it.

        A slot answers for one object. Of several that want it, the one most like the anchor gets it (the
        first of equals).

        Args:
            boxes: ``(T, 4)``.
            spill: whether an object that did not get its slot takes the next best anchor that is free in
                its cell. As published (``False``) it goes without.

        Returns:
            ``(T,)`` int, -1 for an object that goes without.
        """
        count, anchors = len(boxes), len(self.anchors_wh_px)
        last_cell = boxes.new_tensor((self.columns - 1, self.rows - 1))
        column, row = (
            (centers_of(boxes) / self.stride).floor().clamp(min=0).minimum(last_cell).long().unbind(-1)
        )
        likeness, order = shape_iou(sizes_of(boxes), self.anchors_wh_px).sort(
            dim=1, descending=True, stable=True
        )
        slots = torch.full((count,), -1, dtype=torch.long, device=boxes.device)
        taken = torch.zeros(len(self), dtype=torch.bool, device=boxes.device)
        for rank in range(anchors if spill else 1):
            # A position says who goes first; the lowest position in a slot wins it, the same on any device.
            position = torch.empty_like(slots)
            position[likeness[:, rank].argsort(descending=True, stable=True)] = torch.arange(
                count, device=boxes.device
            )
            wanted = (row * self.columns + column) * anchors + order[:, rank]
            position = position.masked_fill((slots >= 0) | taken[wanted], count)
            first = torch.full((len(self),), count, dtype=torch.long, device=boxes.device)
            first = first.scatter_reduce(0, wanted, position, "amin")
            won = (position < count) & (first[wanted] == position)
            slots = torch.where(won, wanted, slots)
            taken[wanted[won]] = True
        return slots

    def touching(self, regions: Tensor) -> Tensor:
        """``(slots,)`` bool, whether the slot's cell overlaps any of the ``(R, 4)`` regions."""
        low = self.cells(self.all_slots())[:, None] * self.stride
        overlap = torch.minimum(low + self.stride, regions[None, :, 2:]) - torch.maximum(
            low, regions[None, :, :2]
        )
        return (overlap > 0).all(dim=-1).any(dim=-1)


def centers_of(boxes: Tensor) -> Tensor:
    """``(N, 2)`` x and y of the centres of ``(N, 4)`` boxes."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def sizes_of(boxes: Tensor) -> Tensor:
    """``(N, 2)`` widths and heights of ``(N, 4)`` boxes; never zero, so that logarithms stay finite."""
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-3)


def shape_iou(first_wh: Tensor, second_wh: Tensor) -> Tensor:
    """``(N, M)`` IoU of ``(N, 2)`` with ``(M, 2)`` sizes, as if they shared their centre."""
    common = torch.minimum(first_wh[:, None], second_wh[None]).prod(dim=-1)
    return common / (first_wh.prod(dim=-1)[:, None] + second_wh.prod(dim=-1)[None] - common)
