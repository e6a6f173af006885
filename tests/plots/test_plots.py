from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from PIL import Image as PillowImage
from skimage.color import deltaE_ciede2000, rgb2lab

from synthmed import plots
from synthmed._colors import PALETTE, class_color
from synthmed.bank import open_bank
from synthmed.errors import SynthmedError
from synthmed.metrics.boxes import boxes_at
from synthmed.metrics.detection import FALSE_POSITIVE, TRUE_POSITIVE, MatchedPredictions
from synthmed.metrics.predictions import Predictions
from synthmed.plots import synthesis
from synthmed.plots.drawing import heated, show_image
from synthmed.points.pointset import PointSet

GROUND = 222.0


def fake_bank(counts: dict[str, int], side: int = 10) -> SimpleNamespace:
    """As much of a bank as a sheet reads: dark patches of rising size with a matte of ones."""
    labels = np.repeat(np.arange(len(counts)), list(counts.values()))
    sides = side + np.arange(len(labels)) % 3
    return SimpleNamespace(
        classes=tuple(counts),
        sizes_px=np.full(len(counts), float(side)),
        labels=labels,
        image_backgrounds=np.full((3, 3), GROUND),
        shapes_px=np.stack([sides, sides], axis=1),
        patch=lambda i: np.full((sides[i], sides[i], 3), 40 + i, dtype=np.uint8),
        matte=lambda i: np.full((sides[i], sides[i]), 255, dtype=np.uint8),
    )


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def drawn(figure: Figure) -> np.ndarray:
    """The pixels of a figure; drawing must raise no warning, which the settings turn into errors."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=60)
    return np.asarray(PillowImage.open(content).convert("RGB"))


@pytest.mark.parametrize(
    ("counts", "per_class", "shown"),
    [({"RBC": 30, "White_blood_cell of some long kind": 2, "none": 0}, 24, (24, 2, 0)), ({"a": 5}, 3, (3,))],
)
def test_bank_sheet(counts: dict[str, int], per_class: int, shown: tuple[int, ...]) -> None:
    figure = plots.bank_sheet(fake_bank(counts), per_class)  # type: ignore[arg-type]
    assert len(figure.axes) == len(counts)
    for axes, number in zip(figure.axes, shown, strict=True):
        mosaic = axes.images[0].get_array()
        values = np.unique(mosaic)
        assert set(values.tolist()) - {GROUND} == set(values[values < 200].tolist())
        assert (values < 200).sum() == number
    joined = " ".join(" ".join(texts(figure)).split())
    assert all(name.replace("_", " ") in joined for name in counts)
    assert all(f"{number:,} patch" in joined for number in counts.values())
    drawn(figure)


def test_a_sheet_follows_the_seed() -> None:
    bank = fake_bank({"a": 200})
    first, again, other = (
        plots.bank_sheet(bank, 24, seed).axes[0].images[0].get_array()  # type: ignore[arg-type]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_patches_are_pasted_by_their_matte() -> None:
    bank = fake_bank({"a": 1})
    bank.matte = lambda i: np.zeros((10, 10), dtype=np.uint8)
    assert (plots.bank_sheet(bank).axes[0].images[0].get_array() == GROUND).all()  # type: ignore[arg-type]


def test_the_ground_of_a_sheet_is_the_usual_background() -> None:
    bank = fake_bank({"a": 1})
    bank.image_backgrounds = np.array([[10, 20, 30], [12, 20, 31], [200, 200, 200]], dtype=float)
    corner = plots.bank_sheet(bank).axes[0].images[0].get_array()[0, 0]  # type: ignore[arg-type]
    assert corner.tolist() == [12, 20, 31]


def test_a_sheet_can_show_the_worst_first(phantom_bank_dir: Path) -> None:
    bank = open_bank(phantom_bank_dir)
    label = int(bank.labels[0])
    own = np.flatnonzero(bank.labels == label)
    order = own[np.argsort(bank.quality.contrast[own], kind="stable")]
    for sort, first in (("contrast", order[0]), ("-contrast", order[-1])):
        shown = plots.bank_sheet(bank, 1, sort=sort).axes[label].images[0].get_array()
        alone = synthesis._mosaic(bank, np.array([first]), 4)
        assert np.array_equal(np.asarray(shown), alone)
    with pytest.raises(SynthmedError, match=r"no such column \(got 'beauty'\).*one of: segmented, contrast"):
        plots.bank_sheet(bank, sort="beauty")


@pytest.mark.parametrize("per_class", [0, -1])
def test_a_sheet_without_patches_is_refused(per_class: int) -> None:
    with pytest.raises(SynthmedError, match="needs patches"):
        plots.bank_sheet(fake_bank({"a": 1}), per_class)  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_real_and_synthetic_share_one_scale(scale: float) -> None:
    real, scene = np.zeros((60, 80, 3), np.uint8), np.zeros((40, 40, 3), np.uint8)
    figure = plots.real_beside_synthetic([real, real], [scene], scale=scale)
    first, second, synthetic, bar = figure.axes
    width, height = figure.get_size_inches()

    def inches(axes: object) -> tuple[float, float]:
        box = axes.get_position()  # type: ignore[attr-defined]
        return box.width * width, box.height * height

    per_pixel = inches(first)[0] / 80
    assert inches(first) == inches(second) == pytest.approx((80 * per_pixel, 60 * per_pixel))
    assert inches(synthetic) == pytest.approx((40 / scale * per_pixel, 40 / scale * per_pixel))
    assert inches(bar)[0] == pytest.approx(10 * per_pixel)
    bar_says = {
        1.0: "10 px in both rows",
        0.5: "in both rows: 10 px of the real images, 5 px of the scenes",
    }
    assert texts(figure) == ["Real", "Synthetic", bar_says[scale]]
    drawn(figure)


def test_the_scale_bar_may_be_in_microns() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    figure = plots.real_beside_synthetic([image], [image], pixel_size_um=0.3)
    assert "2 µm in both rows" in texts(figure)
    bar, picture = figure.axes[2].get_position(), figure.axes[0].get_position()
    assert bar.width / picture.width == pytest.approx(2 / (80 * 0.3))


@pytest.mark.parametrize(
    "rows", [([], [np.zeros((4, 4, 3), np.uint8)]), ([np.zeros((4, 4, 3), np.uint8)], [])]
)
def test_nothing_to_compare(rows: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
    with pytest.raises(SynthmedError, match="nothing to compare"):
        plots.real_beside_synthetic(*rows)


CENTERS = np.array([[20.0, 20.0], [40.0, 70.0], [5.0, 50.0], [30.0, 30.0]])
SIZE = 12.0


@pytest.fixture
def truth() -> PointSet:
    """Two classes in image 1: one object each, one more at the border; another image has another object."""
    return PointSet(
        classes=("red", "white"),
        images=("a.png", "b.png"),
        image_shapes_px=np.full((2, 2), (60, 80)),
        splits=("val", "val"),
        groups=("", ""),
        centers_px=CENTERS,
        image_index=np.array([1, 1, 1, 0]),
        labels=np.array([0, 1, 0, 0]),
        annotation_ids=np.array(list("abcd")),
        edge=np.array([False, False, True, False]),
        sizes_px=np.full((4, 2), SIZE),
    )


@pytest.fixture
def found() -> Predictions:
    """In image 1: one right, one wrong, one below the threshold; one in another image."""
    return Predictions(
        image_index=np.array([1, 1, 1, 0]),
        boxes_px=boxes_at([[21, 20], [50, 10], [40, 70], [30, 30]], SIZE),
        scores=np.array([0.9, 0.8, 0.1, 0.9]),
        labels=np.array([0, 1, 1, 0]),
    )


@pytest.fixture
def draw(truth: PointSet, found: Predictions) -> Callable[..., Figure]:
    def picture(**options: object) -> Figure:
        cams = np.zeros((2, 60, 80))
        cams[0, 19, 22], cams[1, 40, 70] = 2.0, 0.4
        arguments = {
            "index": 1,
            "cam_range": (0.0, 2.0),
            "class_sizes_px": [SIZE, SIZE],
            "thresholds": 0.3,
            "peak_thresholds": 1.0,
            "cams": cams,
        } | options
        image = np.full((60, 80, 3), 200, np.uint8)
        return plots.truth_predictions_cam(image, truth, found, **arguments)  # type: ignore[arg-type]

    return picture


def boxes(axes: object) -> list[tuple[float, float, str, bool]]:
    """Row, column, colour and whether dashed, of each box outlined."""
    return [
        (p.get_y(), p.get_x(), to_hex(p.get_edgecolor()), p.get_linestyle() not in ("solid", "-"))
        for p in axes.patches  # type: ignore[attr-defined]
        if isinstance(p, Rectangle)
    ]


def circles(axes: object) -> list[tuple[float, float, float]]:
    """Column, row and diameter of each circle."""
    found = [p for p in axes.patches if isinstance(p, Circle)]  # type: ignore[attr-defined]
    return [(*p.get_center(), p.get_width()) for p in found]


def test_truth_stands_beside_predictions_beside_maps(draw: Callable[..., Figure]) -> None:
    figure = draw(title="b.png")
    expert, detector, first, second, bar = figure.axes
    assert texts(figure) == [
        "b.png",
        "Expert: 2 objects, 1 more at the border",
        "Detector: 1 right, 1 wrong, 1 missed",
        "CAM: red",
        "CAM: white",
    ]
    assert boxes(expert) == [
        (14, 14, PALETTE[0], False),
        (34, 64, PALETTE[1], False),
        (-1, 44, PALETTE[0], True),
    ]
    assert boxes(detector) == [(15, 14, PALETTE[0], False), (44, 4, PALETTE[1], True)]
    marks = [[c.get_offsets().tolist() for c in axes.collections] for axes in (first, second)]
    # Each mark stands on a white rim of its own; (column, row).
    assert marks == [[[[22.5, 19.5]]] * 2, []]
    assert circles(first) == [(20, 20, SIZE), (50, 5, SIZE)]
    assert circles(second) == [(70, 40, SIZE)]
    assert [t.get_text() for t in bar.get_xticklabels()] == ["0", "1", "2"]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == [
        "red",
        "white",
        "dashed: at the border, or wrong",
        "expert's centre, class size",
        "map peak",
    ]
    drawn(figure)


def test_without_annotated_boxes_centres_are_shown_and_matched(draw: Callable[..., Figure]) -> None:
    figure = draw(boxes_annotated=False)
    assert not boxes(figure.axes[0])
    assert [len(c.get_offsets()) for c in figure.axes[0].collections] == [2, 2, 1, 1]
    assert "Detector: 1 right, 1 wrong, 1 missed" in texts(figure)
    drawn(figure)


def test_an_image_without_anything(truth: PointSet) -> None:
    nothing = Predictions(*np.zeros((1, 0), int), np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
    figure = plots.truth_predictions_cam(
        np.zeros((60, 80, 3), np.uint8),
        truth.select(np.zeros(4, bool)),
        nothing,
        np.zeros((2, 60, 80)),
        index=0,
        cam_range=(0, 1),
        class_sizes_px=[4, 4],
    )
    assert "Detector: 0 right, 0 wrong, 0 missed" in texts(figure)
    drawn(figure)


@pytest.mark.parametrize(("present", "rows"), [(0, 1), (3, 1), (4, 2), (9, 4)])
def test_of_many_classes_those_of_the_image_are_shown(present: int, rows: int) -> None:
    count = 13
    names = tuple(f"class {k}" for k in range(count))
    centers = np.stack([np.full(present, 30.0), 5.0 + 7 * np.arange(present)], axis=1)
    many = PointSet(
        classes=names,
        images=("a.png",),
        image_shapes_px=np.array([[60, 80]]),
        splits=("val",),
        groups=("",),
        centers_px=centers,
        image_index=np.zeros(present, int),
        labels=np.arange(present) + 2,
        annotation_ids=np.array([str(k) for k in range(present)], dtype=str),
        edge=np.zeros(present, bool),
        sizes_px=np.full((present, 2), 6.0),
    )
    elsewhere = Predictions(np.array([0]), np.array([[0.0, 0, 6, 6]]), np.array([0.1]), np.array([12]))
    figure = plots.truth_predictions_cam(
        np.zeros((60, 80, 3), np.uint8),
        many,
        elsewhere,
        np.zeros((count, 60, 80)),
        index=0,
        cam_range=(0, 1),
        class_sizes_px=np.full(count, 6.0),
    )
    said = texts(figure)
    assert [name for name in said if name.startswith("CAM")] == [
        f"CAM: class {k + 2}" for k in range(present)
    ]
    assert said[-1] == f"without maps: {count - present} classes neither marked nor found here"
    panels = [axes.get_position() for axes in figure.axes[: 2 + present]]
    assert len({round(place.y1, 6) for place in panels}) == rows
    for number, place in enumerate(panels):
        assert place.x0 > 0 and place.x1 < 1 and place.y0 > 0 and place.y1 < 1
        assert not any(place.overlaps(other) for other in panels[:number])
    assert [t.get_text() for t in figure.legends[0].get_texts()][:present] == list(names[2 : 2 + present])
    drawn(figure)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"cams": np.zeros((1, 60, 80))}, "do not fit"), ({"cam_range": (1.0, 1.0)}, "scale is empty")],
)
def test_what_cannot_be_drawn_is_said(
    draw: Callable[..., Figure], options: dict[str, object], message: str
) -> None:
    with pytest.raises(SynthmedError, match=message):
        draw(**options)


def test_heat_is_on_the_scale_given() -> None:
    image = np.full((1, 3, 3), 100, np.uint8)
    cold, warm, hot = heated(image, np.array([[-5.0, 1.0, 2.0]]), (0, 2))[0].astype(int)
    assert cold.tolist() == [148, 148, 148]
    assert hot.sum() < warm.sum() < cold.sum()
    np.testing.assert_array_equal(heated(image, np.full((1, 3), 9.0), (0, 2))[0, 0], hot)


def test_pixel_centres_stand_at_one_half() -> None:
    axes = Figure().add_subplot()
    show_image(axes, np.zeros((3, 5, 3), np.uint8))
    assert axes.images[0].get_extent() == [0, 5, 3, 0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 5), (3, 0))


def test_colours_can_be_told_apart() -> None:
    rgb = np.array([[to_rgb(color) for color in PALETTE]])
    lab = rgb2lab(rgb)[0]
    gaps = deltaE_ciede2000(lab[:, None], lab[None])
    assert gaps[np.triu_indices(len(PALETTE), 1)].min() > 15
    assert class_color(len(PALETTE)) == PALETTE[0]


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_save_figure(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "new" / f"picture.{kind}"
    plots.save_figure(Figure((1, 1)), path)
    starts = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
    assert path.read_bytes().startswith(starts[kind])
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_pictures_of_unknown_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="PNG, PDF or SVG"):
        plots.save_figure(Figure(), tmp_path / "picture.docx")


def test_pyplot_is_never_imported() -> None:
    code = "import sys, synthmed.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_precision_recall() -> None:
    verdicts = MatchedPredictions(
        classes=("a", "b", "none"),
        image_index=np.zeros(4, dtype=np.int64),
        scores=np.array([0.9, 0.8, 0.7, 0.6]),
        labels=np.array([0, 0, 0, 1]),
        status=np.array([TRUE_POSITIVE, FALSE_POSITIVE, TRUE_POSITIVE, FALSE_POSITIVE]),
        truth_index=np.array([0, -1, 1, -1]),
        image_truths=np.array([[2, 1, 0]]),
    )
    figure = plots.precision_recall([("one", verdicts, [0.75, 0.5, 0.5]), ("two", verdicts, [0.65] * 3)])
    assert len(figure.axes) == 2
    curve, point, other = figure.axes[0].lines
    assert curve.get_xydata().round(2).tolist() == [[0.5, 1.0], [0.5, 0.5], [1.0, 0.67]]
    assert point.get_xydata().tolist() == [[0.5, 0.5]]
    assert other.get_xydata().tolist() == [[0.0, 0.0]]
    assert {"one", "two"} <= set(texts(figure))
    assert (drawn(figure) != 255).any()
    with pytest.raises(SynthmedError, match="no curves"):
        plots.precision_recall([])
