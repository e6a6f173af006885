"""Every click on the source images, whether or not it gave a patch: how the real objects lie."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synthmed.bank.quality import nearest_others


@dataclass(frozen=True, eq=False)
class Clicks:
    """N clicks on the source images of a bank.

    Attributes:
        image_index: ``(N,)`` int, the source image of each.
        labels: ``(N,)`` int.
        centers_px: ``(N, 2)`` float, in source pixels.
        annotation_ids: ``(N,)`` str.
    """

    image_index: NDArray[np.int64]
    labels: NDArray[np.int64]
    centers_px: NDArray[np.float64]
    annotation_ids: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def nearest_px(self) -> NDArray[np.float64]:
        """``(N,)`` float, from each click to the nearest other one in its image; NaN for a lonely one."""
        nearest = np.full(len(self), np.nan)
        order = np.argsort(self.image_index, kind="stable")
        begins = np.flatnonzero(np.diff(self.image_index[order])) + 1
        for index in np.split(order, begins):
            nearest[index] = nearest_others(self.centers_px[index])
        return nearest


NO_CLICKS = Clicks(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.float64), np.zeros(0, np.str_)
)

_COLUMNS = {"image": "<i8", "label": "<i8", "center_row_px": "<f8", "center_column_px": "<f8"}


def clicks_table(clicks: Clicks) -> NDArray[np.void]:
    """One record for each click."""
    id_type = clicks.annotation_ids.astype("<U").dtype.str
    table = np.zeros(len(clicks), dtype=[*_COLUMNS.items(), ("annotation_id", id_type)])
    table["image"], table["label"] = clicks.image_index, clicks.labels
    table["center_row_px"], table["center_column_px"] = clicks.centers_px.T
    table["annotation_id"] = clicks.annotation_ids
    return table


def read_clicks(table: NDArray[np.void]) -> Clicks:
    """The clicks of a table of `clicks_table`.

    Raises:
        ValueError: it has other columns.
    """
    names = table.dtype.names or ()
    if table.ndim != 1 or names != (*_COLUMNS, "annotation_id") or table.dtype["annotation_id"].kind != "U":
        raise ValueError("the table of clicks has other columns than this synthmed writes")
    if any(table.dtype[name] != dtype for name, dtype in _COLUMNS.items()):
        raise ValueError("the table of clicks has columns of other types than this synthmed writes")
    return Clicks(
        np.ascontiguousarray(table["image"]),
        np.ascontiguousarray(table["label"]),
        np.stack([table["center_row_px"], table["center_column_px"]], axis=1),
        np.ascontiguousarray(table["annotation_id"]),
    )


def clicks_bytes(clicks: Clicks) -> bytes:
    """Everything in the clicks, the same on every machine, for a hash."""
    parts = [b"clicks"]
    for field in fields(Clicks):
        array = getattr(clicks, field.name)
        if array.dtype.kind == "U":
            parts.append("\0".join(array.tolist()).encode())
        else:
            dtype = "<f8" if array.dtype.kind == "f" else "<i8"
            parts.append(f"\0{array.shape}".encode() + np.ascontiguousarray(array, dtype=dtype).tobytes())
    return b"\0".join(parts)
