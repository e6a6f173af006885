"""The operator *import points*."""

from functools import lru_cache

from .base import SynthmedOperator
from .inputs import counted, notice, path, path_of, run_key


class ImportPoints(SynthmedOperator):
    """Points of a CSV or COCO file become samples with keypoints."""

    name = "import_points"
    label = "synthmed: import points"
    phases = ("added",)
    description = "Add images with clicked centres from a CSV or COCO file"

    def form(self, ctx, inputs):
        """Ask for the files, and show what is in them."""
        from synthmed.app.skipped import as_text, skipped_rows

        path(ctx, inputs, "images_dir", folder=True, label="Folder of the images", required=True)
        path(
            ctx,
            inputs,
            "points",
            label="File of the points",
            description="CSV with image, x, y, label and perhaps split and group; or COCO JSON",
            required=True,
        )
        inputs.str(
            "boxes",
            label="Boxes (optional)",
            description="COCO JSON to evaluate against, never to cut from; {split}: train, val, test",
        )
        inputs.str(
            "columns",
            label="Names of CSV columns (optional)",
            description="Where they have other headers, such as: x=pos_x y=pos_y label=cell_type",
        )
        run_key(ctx, inputs, self.name)
        if path_of(ctx, "images_dir") and path_of(ctx, "points"):
            points, _, log = _read(*_arguments(ctx))
            classes = zip(points.classes, points.counts().sum(axis=0), strict=True)
            each = ", ".join(f"{name} {int(count):,}" for name, count in classes)
            text = f"{counted(len(points), 'point')} on {counted(len(points.images), 'image')}: {each}."
            notice(inputs, "preview", f"{text} {as_text(skipped_rows(log))}".strip())

    def work(self, ctx, progress):
        """Read the files and add the samples."""
        from synthmed.app.import_points import import_points
        from synthmed.app.skipped import as_text

        arguments = _arguments(ctx)
        points, truths, log = _read(*arguments)
        run = import_points(
            ctx.dataset,
            points,
            arguments[0],
            truths=truths,
            key=ctx.params.get("key"),
            params={"points": str(arguments[1]), "boxes": ctx.params.get("boxes")},
            log=log,
            progress=progress,
        )
        added = run.summary["samples_added"]
        said = f"{run.key}: {counted(len(points), 'point')}, {counted(added, 'new sample')}."
        return f"{said} {as_text(run.summary)}".strip()

    def __call__(self, dataset, images_dir, points, *, boxes=None, columns=None, key=None):
        """Import points from Python.

        Args:
            dataset: the dataset.
            images_dir: the folder of the images.
            points: a CSV or COCO file.
            boxes: a COCO file with boxes, or a pattern with ``{split}``.
            columns: ``"x=pos_x y=pos_y"`` where the headers are others.
            key: the name of the run.
        """
        return self.run_on(
            dataset, images_dir=str(images_dir), points=str(points), boxes=boxes, columns=columns, key=key
        )


def _arguments(ctx):
    """The files that the form names, with when they were written, so that a changed one is read again."""
    from synthmed.app.import_points import boxes_files
    from synthmed.errors import PointsError

    for name in ("images_dir", "points"):
        if path_of(ctx, name) is None:
            raise PointsError(f"{name} is missing", remedy="name a folder of images and a file of points")
    points, boxes = path_of(ctx, "points"), boxes_files(ctx.params.get("boxes") or "")
    written = tuple(
        file.stat().st_mtime_ns for file in (points, *(file for file, _ in boxes)) if file.is_file()
    )
    return path_of(ctx, "images_dir"), points, boxes, ctx.params.get("columns") or "", written


@lru_cache(maxsize=4)
def _read(images_dir, points_file, boxes, columns, written):
    """Points, boxes and what was skipped; kept, since a form asks at each key stroke."""
    from synthmed.errors import ProblemLog
    from synthmed.points import CsvColumns, read_points

    log = ProblemLog()
    points = read_points(points_file, images_dir, columns=CsvColumns.from_pairs(columns.split()), log=log)
    truths = tuple(read_points(file, images_dir, split=split, log=log) for file, split in boxes)
    return points, truths, log
