from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure

from synthmed import plots
from synthmed.metrics.fidelity_looks import Looks
from synthmed.metrics.fidelity_measures import MEAN
from synthmed.metrics.fidelity_report import FidelityReport, Row


def looks(images: int, classes: int, seed: int) -> Looks:
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 4, size=(images, classes))
    counts[:, -1] = 0  # a class that no image has
    labels = np.concatenate([np.repeat(np.arange(classes), row) for row in counts])
    number = len(labels)
    return Looks(
        counts=counts,
        foreground=rng.random(images),
        background=rng.random((images, 3)),
        noise=np.ones(images),
        image_index=np.repeat(np.arange(images), counts.sum(axis=1)),
        labels=labels,
        diameters_px=np.where(rng.random(number) < 0.2, np.nan, 20.0),
        contrast=rng.random(number),
        colors=rng.random((number, 16, 3)),
        nearest_px=rng.random(number),
        nearest_own_px=rng.random(number),
    )


def texts(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text().split()) for text in figure.texts)


def draw(figure: Figure) -> None:
    """Drawing must raise no warning, which the settings turn into errors."""
    figure.savefig(BytesIO(), format="png", dpi=50)


@pytest.mark.parametrize(("classes", "left_out"), [(2, 0), (10, 2)])
def test_histograms_by_class(classes: int, left_out: int) -> None:
    names = [f"kind_{k}" for k in range(classes)]
    halves = looks(6, classes, 0), looks(6, classes, 1)
    figure = plots.fidelity_classes(names, halves, looks(6, classes, 2))
    assert len(figure.axes) == 5 * min(classes, 8)
    assert ("2 rarer classes are left out" in texts(figure)) == (left_out > 0)
    assert [entry.get_text() for entry in figure.legends[0].get_texts()] == [
        "real, half A",
        "real, half B",
        "synthetic",
    ]
    counts = figure.axes[0].patches
    assert len(counts) == 3
    assert [stairs.get_data().values.sum() for stairs in counts] == pytest.approx([100] * 3)
    draw(figure)


def test_histograms_of_images() -> None:
    figure = plots.fidelity_images((looks(6, 2, 0), looks(6, 2, 1)), looks(6, 2, 2))
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "objects",
        "px",
        "% of pixels",
        "grey level",
        "grey levels",
    ]
    draw(figure)


def test_the_summary_shows_what_can_be_told() -> None:
    def row(measure: str, floor: float, gap: float, unit: str = "px", name: str = MEAN) -> Row:
        return Row(measure, "g", name, unit, 1.0, 1.0, floor, 0.1, gap, 0.1)

    rows = (
        row("met", 1.0, 1.5),
        row("far", 1.0, 40.0),
        row("saturated", 0.9, 1.0, "TV"),
        row("unknown", np.nan, np.nan),
        row("of a class", 1.0, 9.0, name="a"),
    )
    figure = plots.fidelity_summary(FidelityReport(("a",), 8, 8, 4, 20, 0, rows))
    said = texts(figure)
    assert all(word in said for word in ("met", "far", "saturated", "1.50", "40.00", "4 real images"))
    assert "unknown" not in said and "of a class" not in said
    draw(figure)
