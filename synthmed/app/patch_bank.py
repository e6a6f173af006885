"""A patch bank from the points of a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np

from synthmed.app.dependencies import depend_on_data
from synthmed.app.read_points import DatasetPoints, read_points
from synthmed.app.runs import Run, list_runs, recorded
from synthmed.app.skipped import skipped_rows
from synthmed.app.steps import Progress, part
from synthmed.bank import build_bank, make_spec, resolve_sizes, save_bank, warnings
from synthmed.bank.cut import place_windows
from synthmed.errors import ProblemLog

BANK_FOLDER = "bank"


def build_patch_bank(
    samples: fo.Dataset | fo.DatasetView,
    *,
    sizes: Sequence[str] = (),
    pixel_size_um: float | None = None,
    field: str | None = None,
    spec: Mapping[str, Any] | None = None,
    key: str | None = None,
    log: ProblemLog | None = None,
    progress: Progress | None = None,
) -> Run:
    """Cut a patch round every point of the train split, into a bank in the run's own folder.

    Args:
        samples: a dataset, or a view where only some of its samples are to be used.
        sizes: class sizes such as ``"RBC=103px"``; those not named are estimated from the images.
        pixel_size_um: the side of a pixel in micrometres, for sizes in ``um``.
        field: the field of the points.
        spec: further fields of `synthmed.bank.BankSpec`, such as ``border``.
        key: the name of the run.
        log: takes up what is skipped.
        progress: called with steps done and steps in all; an image counts once for being checked, once for
            sizes and once for cutting.

    Returns:
        The run; `bank_folder` says where its bank is.

    Raises:
        PointsError: the points cannot be used.
        BankError: a size is wrong or cannot be estimated, a group leaks, or no patch is left.
    """
    log = ProblemLog() if log is None else log
    texts = list(sizes)
    noted = {"sizes": texts, "pixel_size_um": pixel_size_um, "field": field, **(spec or {})}
    with recorded(samples._root_dataset, "build_patch_bank", key=key, params=noted) as run:
        found = read_points(samples, field, log=log, progress=part(0, 3, progress))
        depend_on_data(run, found.sample_ids, found.fields)
        sizes_px = resolve_sizes(
            texts,
            found.points,
            found.images_dir,
            pixel_size_um=pixel_size_um,
            splits=tuple((spec or {}).get("splits", ("train",))),
            progress=part(1, 3, progress),
        )
        bank = build_bank(
            found.points,
            found.images_dir,
            make_spec(sizes_px=sizes_px, **(spec or {})),
            progress=part(2, 3, progress),
        )
        save_bank(bank, run.make_folder() / BANK_FOLDER)
        run.summary = {
            "hash": bank.hash,
            "sizes_px": sizes_px,
            "patches": len(bank),
            "report": [{**row._asdict(), "cut_off_rate": _json(row.cut_off_rate)} for row in bank.report],
            "warnings": warnings(bank.report, bank.spec),
            **skipped_rows(log),
        }
    return run


def bank_folder(run: Run) -> Path:
    """The folder of the bank that a run built."""
    return (run.folder or Path()) / BANK_FOLDER


def list_banks(dataset: fo.Dataset) -> dict[str, Path]:
    """The banks that were built from a dataset, by the key of their run, the newest first."""
    runs = [run for run in list_runs(dataset, "build_patch_bank") if run.state == "done"]
    return {run.key: bank_folder(run) for run in reversed(runs)}


def known_sizes(dataset: fo.Dataset) -> dict[str, tuple[float, str]]:
    """The sizes in pixels of all classes that a bank of the dataset was built for, newer banks first.

    Returns:
        Class name -> (size, key of the run that built the bank).
    """
    sizes: dict[str, tuple[float, str]] = {}
    for run in list_runs(dataset, "build_patch_bank"):
        sizes |= {name: (size, run.key) for name, size in run.summary.get("sizes_px", {}).items()}
    return sizes


def count_at_border(
    found: DatasetPoints, sizes_px: Mapping[str, float], splits: Sequence[str] = ("train",)
) -> dict[str, tuple[int, int]]:
    """How many points a bank would cut, and how many of them count as crossing the border.

    These are the patches of exactly their class's size that do, and objects whose source says that they do.
    Where patches follow outlines, the pixels decide instead, and it may be a few more or less.

    Args:
        found: the points.
        sizes_px: sizes of the classes that are to be counted.
        splits: the splits to cut.

    Returns:
        Class name -> (points, crossing).
    """
    points = found.points.of_split(*splits)
    counts = {}
    for label, name in enumerate(points.classes):
        if name not in sizes_px:
            continue
        own = points.labels == label
        sides = np.full(int(own.sum()), max(3, round(sizes_px[name])), dtype=np.int64)
        shapes_px = points.image_shapes_px[points.image_index[own]]
        windows = place_windows(points.centers_px[own], sides, shapes_px, "drop")
        counts[name] = (len(sides), int(((windows.cut_off > 0) | points.edge[own]).sum()))
    return counts


def _json(value: float) -> float | None:
    return None if np.isnan(value) else value
