"""The operator *build patch bank*."""

from functools import lru_cache

import fiftyone.operators.types as types

from .base import SynthmedOperator, sentence, show_error
from .inputs import choose, chosen, counted, notice, run_key

BORDERS = {
    "drop": "Drop patches that cross the border of their image",
    "shift": "Shift them inwards",
    "pad": "Fill them up with the background",
}
FATES = {"drop": "dropped", "shift": "shifted inwards", "pad": "padded"}
MATTES = {
    "halo": "The segmented object with its halo, fading out",
    "round": "A disc, with a soft edge",
    "segmented": "The segmented object alone, with a soft edge",
    "square": "The whole square",
}


class BuildPatchBank(SynthmedOperator):
    """Patches are cut round the points of the train split."""

    name = "build_patch_bank"
    label = "synthmed: build patch bank"
    description = "Cut a patch round every clicked centre of the train split"
    phases = ("checked", "measured", "cut")

    def form(self, ctx, inputs):
        """Ask for the sizes, and count what the border costs."""
        from synthmed.app.read_points import point_fields
        from synthmed.errors import SynthmedError

        fields = {name: name for name in point_fields(ctx.dataset)}
        if not fields:
            show_error(inputs, "empty", "No field holds keypoints or detections", "Import points first.")
            return
        choose(ctx, inputs, "field", fields, label="Points")
        found, skipped = _points(ctx, chosen(ctx, "field", fields))
        inputs.md(
            "**Size of each class**: `103px`, `7.5um` (with the size of a pixel), or `auto`",
            name="sizes_title",
        )
        if isinstance(ctx.params.get("sizes"), list):
            ctx.params["sizes"] = _by_class(ctx.params["sizes"], found.points.classes)
        sizes = types.Object()
        for index, name in enumerate(found.points.classes):
            sizes.str(f"class_{index}", label=name, default="auto")
        inputs.define_property("sizes", sizes)
        inputs.float("pixel_size_um", label="Size of a pixel in micrometres (for sizes in um)", min=0.0)
        choose(ctx, inputs, "border", BORDERS, label="Patches that cross the border of their image")
        choose(ctx, inputs, "matte", MATTES, label="What is kept of a patch")
        inputs.float(
            "variation",
            label="Variation of the size",
            description="Each patch is cut larger or smaller by up to this share",
            default=0.1,
            min=0.0,
            max=0.9,
        )
        run_key(ctx, inputs, self.name)
        try:
            notice(inputs, "preview", _preview(ctx, found, skipped))
        except SynthmedError as error:
            show_error(inputs, "problem", *sentence(error))

    def work(self, ctx, progress):
        """Build the bank."""
        from synthmed.app.patch_bank import build_patch_bank
        from synthmed.app.read_points import point_fields
        from synthmed.app.skipped import as_text

        field = ctx.params.get("field") or next(iter(point_fields(ctx.dataset)), None)
        found, _ = _points(ctx, field)
        spec = {name: ctx.params[name] for name in ("border", "matte", "variation") if name in ctx.params}
        run = build_patch_bank(
            ctx.dataset,
            sizes=_sizes(ctx, found.points.classes),
            pixel_size_um=ctx.params.get("pixel_size_um"),
            field=field,
            spec=spec,
            key=ctx.params.get("key"),
            progress=progress,
        )
        sizes = ", ".join(f"{name} {size:g} px" for name, size in run.summary["sizes_px"].items())
        told = " ".join([*(f"{warning}." for warning in run.summary["warnings"]), as_text(run.summary)])
        return f"{run.key}: {counted(run.summary['patches'], 'patch')} ({sizes}) {told}".rstrip()

    def __call__(
        self,
        dataset,
        sizes=(),
        *,
        pixel_size_um=None,
        field=None,
        border=None,
        matte=None,
        variation=None,
        key=None,
    ):
        """Build a bank from Python.

        Args:
            dataset: the dataset.
            sizes: such as ``["RBC=103px", "WBC=auto"]``.
            pixel_size_um: the side of a pixel in micrometres.
            field: the field of the points.
            key: the name of the run.
            border: what happens to patches that cross the border: ``drop``, ``shift`` or ``pad``.
            matte: what is kept of a patch: ``round``, ``halo``, ``segmented`` or ``square``.
            variation: the share by which each patch is cut larger or smaller.
        """
        return self.run_on(
            dataset,
            sizes=list(sizes),
            pixel_size_um=pixel_size_um,
            field=field,
            border=border,
            matte=matte,
            variation=variation,
            key=key,
        )


def _sizes(ctx, classes):
    """Sizes as ``CLASS=SIZE``."""
    given = ctx.params.get("sizes") or {}
    return [f"{name}={given.get(f'class_{index}') or 'auto'}" for index, name in enumerate(classes)]


def _by_class(texts, classes):
    """Sizes as the form has them, from ``CLASS=SIZE``."""
    from synthmed.bank import parse_sizes

    parse_sizes([*texts, "auto"] if "auto" not in texts else texts, classes, 1.0)
    by_name = dict(text.rpartition("=")[::2] for text in texts)
    return {f"class_{index}": by_name.get(name, "auto") for index, name in enumerate(classes)}


def _points(ctx, field):
    dataset = ctx.dataset
    return _read(dataset.name, field, len(dataset), str(dataset.max("last_modified_at")))


@lru_cache(maxsize=4)
def _read(name, field, count, modified):
    """The points of a dataset as it is now; kept, since a form asks at each key stroke."""
    import fiftyone as fo

    from synthmed.app.read_points import read_points
    from synthmed.errors import ProblemLog

    log = ProblemLog()
    return read_points(fo.load_dataset(name), field, check_images=False, log=log), log.summary()


def _preview(ctx, found, skipped):
    from synthmed.app.patch_bank import count_at_border
    from synthmed.bank import parse_sizes

    sizes = parse_sizes(
        _sizes(ctx, found.points.classes), found.points.classes, ctx.params.get("pixel_size_um")
    )
    known = {name: size for name, size in sizes.items() if size is not None}
    fate = FATES[chosen(ctx, "border", BORDERS)]
    train = found.points.of_split("train")
    parts = [f"{counted(len(train), 'point')} on {counted(len(train.images), 'train image')}."]
    for name, (points, crossing) in count_at_border(found, known).items():
        parts.append(f"{name}: {counted(points, 'point')}, about {crossing:,} at the border are {fate}.")
    if len(known) < len(sizes):
        unknown = ", ".join(name for name in sizes if name not in known)
        parts.append(f"Estimated from the train images: the size of {unknown}.")
    return " ".join([*parts, skipped])
