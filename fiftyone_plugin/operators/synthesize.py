"""The operator *synthesize*."""

import tempfile
from pathlib import Path
from urllib.parse import quote

from .base import SynthmedOperator, show_error
from .inputs import choose, chosen, counted, notice, number, path, path_of, run_key

ELSEWHERE = "elsewhere"
COUNTS = {
    "joint": "As in a random source image, all classes together",
    "decorrelated": "Each class present or absent on its own",
    "balanced": "As many as in a random source image, all classes alike",
}
CANVASES = {
    "backdrop": "Source images without their objects",
    "illumination": "Their light alone",
    "background": "Their background colours",
}
ROTATIONS = {"quarter": "By quarter turns", "any": "By any angle", "none": "Not at all"}
BLENDS = {
    "matte": "With the matte of the bank",
    "poisson": "The same, fitted to the canvas all round",
    "hard": "The whole rectangle",
}
PLACES = {"uniform": "Anywhere", "clustered": "As near to each other as on source images"}
PREVIEW_PX, PREVIEWS_KEPT = 320, 20
DEFAULTS = {"count": 100, "size_px": 416, "seed": 0, "max_overlap": 0.25, "distractors": 0}


class Synthesize(SynthmedOperator):
    """Scenes composed from a patch bank become samples."""

    name = "synthesize"
    label = "synthmed: synthesize"
    description = "Compose scenes from a patch bank and add them as samples"
    phases = ("rendered", "added")
    unit = "scenes"

    def form(self, ctx, inputs):
        """Ask for bank, number and look of the scenes, and show the first of them."""
        from synthmed.app.patch_bank import list_banks

        choices = {key: key for key in list_banks(ctx.dataset)} | {ELSEWHERE: "a folder..."}
        if ctx.params.get("bank") and ctx.params["bank"] not in choices:
            ctx.params |= {"bank": ELSEWHERE, "bank_dir": ctx.params["bank"]}
        choose(
            ctx,
            inputs,
            "bank",
            choices,
            label="Patch bank",
            description="Built from this dataset, or any other",
        )
        if chosen(ctx, "bank", choices) == ELSEWHERE:
            path(ctx, inputs, "bank_dir", folder=True, label="Folder of the bank")
        bank = _bank(ctx)
        if bank is None:
            show_error(inputs, "no_bank", "No patch bank chosen", "Build one, or choose the folder of one.")
        else:
            names, file = _preview(ctx, bank)
            inputs.md(f"**The first scene**: {names}\n\n![]({_url(file)})", name="preview")
        inputs.int("count", label="Scenes", default=DEFAULTS["count"], min=1)
        inputs.int("size_px", label="Side of a scene in pixels", default=DEFAULTS["size_px"], min=8)
        choose(ctx, inputs, "canvas", CANVASES, label="What objects are pasted on")
        choose(ctx, inputs, "counts", COUNTS, label="How many objects of each class")
        choose(ctx, inputs, "rotation", ROTATIONS, label="How objects are turned")
        choose(ctx, inputs, "blend", BLENDS, label="How objects are blended")
        choose(ctx, inputs, "places", PLACES, label="Where objects lie")
        inputs.float(
            "max_overlap",
            label="How far objects may overlap",
            description="Intersection of two boxes, as a share of the smaller one",
            default=DEFAULTS["max_overlap"],
            min=0.0,
            max=1.0,
        )
        inputs.int(
            "distractors",
            label="Distractors",
            description="At most so many pieces without any click are pasted beneath the objects, unlabelled",
            default=DEFAULTS["distractors"],
            min=0,
        )
        inputs.int("seed", label="Seed", description="The same seed gives the same scenes", default=0, min=0)
        run_key(ctx, inputs, self.name)
        total = number(ctx, "count", DEFAULTS["count"])
        notice(inputs, "plan", f"{counted(total, 'scene')} will be added with the tag synthetic.")

    def work(self, ctx, progress):
        """Render the scenes and add them."""
        from synthmed.app.synthesize import synthesize
        from synthmed.errors import BankError

        bank = _bank(ctx)
        if bank is None:
            raise BankError("no patch bank is chosen", remedy="build one, or name the folder of one")
        run = synthesize(
            ctx.dataset,
            bank,
            count=number(ctx, "count", DEFAULTS["count"]),
            recipe=_recipe(ctx),
            seed=number(ctx, "seed", DEFAULTS["seed"]),
            workers=number(ctx, "workers", 1),
            key=ctx.params.get("key"),
            progress=progress,
        )
        objects = sum(run.summary["objects"].values())
        return f"{run.key}: {counted(run.summary['scenes'], 'scene')} with {counted(objects, 'object')}"

    def __call__(self, dataset, bank=None, *, count=100, recipe=None, seed=0, workers=1, key=None):
        """Synthesize from Python.

        Args:
            dataset: the dataset that the scenes are added to.
            bank: the key of a run that built a bank, or the folder of a bank; by default the newest bank.
            count: how many scenes.
            recipe: a `synthmed.scenes.Recipe`, or its fields as a dictionary.
            seed: the seed of the series.
            workers: processes that render.
            key: the name of the run.
        """
        values = recipe.model_dump(mode="json") if hasattr(recipe, "model_dump") else recipe
        params = {"bank": str(bank) if bank else None, "recipe": values, "count": count, "seed": seed}
        return self.run_on(dataset, **params, workers=workers, key=key)


def _bank(ctx):
    """The folder of the chosen bank, ``None`` where none is."""
    from synthmed.app.patch_bank import list_banks

    banks = list_banks(ctx.dataset)
    key = chosen(ctx, "bank", [*banks, ELSEWHERE])
    return banks[key] if key in banks else path_of(ctx, "bank_dir")


def _recipe(ctx):
    """The recipe that the form describes, or that Python gave as a whole."""
    from synthmed.scenes import make_recipe

    given = ctx.params.get("recipe")
    if given is not None:
        return make_recipe(given)
    return make_recipe(
        {
            "canvas": {
                "kind": ctx.params.get("canvas") or "backdrop",
                "size_px": [number(ctx, "size_px", DEFAULTS["size_px"])] * 2,
            },
            "counts": {"kind": ctx.params.get("counts") or "joint"},
            "objects": {
                "rotation": ctx.params.get("rotation") or "quarter",
                "blend": ctx.params.get("blend") or "matte",
            },
            "placement": {
                "kind": ctx.params.get("places") or "uniform",
                "max_overlap": number(ctx, "max_overlap", DEFAULTS["max_overlap"], float),
            },
            "distractors": {"per_scene": [0, number(ctx, "distractors", DEFAULTS["distractors"])]},
        }
    )


def _preview(ctx, bank):
    """What the first scene shows, and a picture of it, small enough to leave room for the form."""
    import numpy as np
    from PIL import Image

    from synthmed.app.synthesize import preview
    from synthmed.bank import open_bank

    scene = preview(bank, _recipe(ctx), number(ctx, "seed", DEFAULTS["seed"]))
    classes = open_bank(bank).classes
    numbers = np.bincount(scene.labels, minlength=len(classes)).tolist()
    picture = Image.fromarray(scene.image)
    picture.thumbnail((PREVIEW_PX, PREVIEW_PX))
    folder = Path(tempfile.gettempdir()) / "synthmed-previews"
    folder.mkdir(exist_ok=True)
    for old in sorted(folder.glob("*.png"), key=lambda file: file.stat().st_mtime)[:-PREVIEWS_KEPT]:
        old.unlink(missing_ok=True)
    # A new name for each picture, or the browser shows the one before.
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".png", delete=False) as file:
        picture.save(file)
    shown = [f"{name} {number}" for name, number in zip(classes, numbers, strict=True) if number]
    return ", ".join(shown) or "no objects", Path(file.name)


def _url(file):
    """Where the App finds a file, whatever the address it is served from."""
    return f"/media?filepath={quote(str(file))}"
