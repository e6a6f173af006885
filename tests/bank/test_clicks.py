from __future__ import annotations

import numpy as np
import pytest

from synthmed.bank import PatchBank, open_bank
from synthmed.bank.clicks import NO_CLICKS, Clicks, clicks_bytes, clicks_table, read_clicks


def clicks_of(rows: list[tuple[int, int, float, float, str]]) -> Clicks:
    """Clicks given as image, label, row, column and id."""
    image, label, row, column, ids = zip(*rows, strict=True)
    return Clicks(np.array(image), np.array(label), np.array([row, column]).T, np.array(ids))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(0, 0, 1.0, 1.0, "a")], [np.nan]),
        ([(0, 0, 1.0, 1.0, "a"), (0, 1, 4.0, 5.0, "b"), (1, 0, 1.0, 1.0, "a")], [5, 5, np.nan]),
        # The rows of an image need not be neighbours.
        ([(1, 0, 0.0, 0.0, "a"), (0, 0, 9.0, 9.0, "b"), (1, 0, 0.0, 2.0, "c")], [2, np.nan, 2]),
    ],
)
def test_nearest(rows: list[tuple[int, int, float, float, str]], expected: list[float]) -> None:
    np.testing.assert_array_equal(clicks_of(rows).nearest_px, expected)


def test_no_clicks() -> None:
    assert len(NO_CLICKS) == 0 and NO_CLICKS.nearest_px.shape == (0,)
    assert len(read_clicks(clicks_table(NO_CLICKS))) == 0


def test_round_trip() -> None:
    clicks = clicks_of([(2, 1, np.pi, 1e-9, "Ä, 1"), (0, 0, 7.5, 3.25, "")])
    again = read_clicks(clicks_table(clicks))
    assert clicks_bytes(again) == clicks_bytes(clicks)
    assert again.annotation_ids.tolist() == ["Ä, 1", ""]
    assert again.centers_px.tolist() == clicks.centers_px.tolist()


@pytest.mark.parametrize(
    "table",
    [
        np.zeros(3),
        np.zeros((1, 1), dtype=clicks_table(NO_CLICKS).dtype),
        np.zeros(1, dtype=[("image", "<i8")]),
        clicks_table(NO_CLICKS).astype(
            [("image", "<f8"), *[(n, clicks_table(NO_CLICKS).dtype[n]) for n in ("label", "center_row_px")]]
            + [(n, clicks_table(NO_CLICKS).dtype[n]) for n in ("center_column_px", "annotation_id")]
        ),
    ],
)
def test_other_tables_are_refused(table: np.ndarray) -> None:
    with pytest.raises(ValueError, match="the table of clicks has"):
        read_clicks(table)


def test_a_bank_keeps_every_click_of_its_images(phantom_bank_dir: object) -> None:
    bank: PatchBank = open_bank(str(phantom_bank_dir))
    counts = np.zeros_like(bank.image_counts)
    np.add.at(counts, (bank.clicks.image_index, bank.clicks.labels), 1)
    assert np.array_equal(counts, bank.image_counts)
    assert len(bank.clicks) > len(bank)
    known = {
        (bank.images[image], point): center
        for image, point, center in zip(
            bank.clicks.image_index, bank.clicks.annotation_ids, bank.clicks.centers_px.tolist(), strict=True
        )
    }
    keys = zip(bank.source_images, bank.annotation_ids, strict=True)
    assert [known[key] for key in keys] == bank.centers_px.tolist()
