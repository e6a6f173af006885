"""Small point sets and predictions for the tests of metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import settings

from synthmed.metrics.predictions import Predictions
from synthmed.points.pointset import PointSet

# A busy machine must not fail a property that holds.
settings.register_profile("synthmed", deadline=None)
settings.load_profile("synthmed")

Row = tuple[int, int, float, float, float, float]


def make_points(
    rows: Sequence[Row],
    *,
    edge: Sequence[bool] | None = None,
    classes: tuple[str, ...] = ("a", "b"),
    images: int = 2,
    shape_px: tuple[int, int] = (100, 100),
) -> PointSet:
    """A point set from rows of (image, label, row0, column0, row1, column1)."""
    table = np.array(rows, dtype=float).reshape(-1, 6)
    corners = table[:, 2:]
    return PointSet(
        classes=classes,
        images=tuple(f"{i}.png" for i in range(images)),
        image_shapes_px=np.full((images, 2), shape_px),
        splits=("val",) * images,
        groups=("",) * images,
        centers_px=(corners[:, :2] + corners[:, 2:]) / 2,
        image_index=table[:, 0].astype(np.int64),
        labels=table[:, 1].astype(np.int64),
        annotation_ids=np.array([str(i) for i in range(len(table))], dtype=str),
        edge=np.zeros(len(table), dtype=bool) if edge is None else np.array(edge, dtype=bool),
        sizes_px=corners[:, 2:] - corners[:, :2],
    )


def make_predictions(rows: Sequence[Row], scores: Sequence[float]) -> Predictions:
    """Predictions from rows of (image, label, row0, column0, row1, column1)."""
    table = np.array(rows, dtype=float).reshape(-1, 6)
    return Predictions(
        image_index=table[:, 0].astype(np.int64),
        boxes_px=table[:, 2:],
        scores=np.array(scores, dtype=float),
        labels=table[:, 1].astype(np.int64),
    )


@pytest.fixture(scope="session")
def points() -> Callable[..., PointSet]:
    return make_points


@pytest.fixture(scope="session")
def predictions() -> Callable[..., Predictions]:
    return make_predictions
