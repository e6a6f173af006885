"""The operator *apply models*."""

from .base import SynthmedOperator, show_error
from .inputs import counted, notice, path, path_of, run_key

MMDET_LINE = "make setup"


class ApplyModels(SynthmedOperator):
    """A detector and a classifier with CAMs are run on the images."""

    name = "apply_models"
    label = "synthmed: apply models"
    description = "Run a detector and a CAM classifier, and show what they say side by side"
    unit = "passes over an image"

    def form(self, ctx, inputs):
        """Ask for the networks and the images."""
        import importlib.util

        if importlib.util.find_spec("mmdet") is None:
            show_error(
                inputs,
                "mmdet",
                "MMDetection is not installed",
                f"Run `{MMDET_LINE}` in a checkout of synthmed; its mmcv has to fit the installed torch.",
            )
            return
        inputs.view_target(ctx, action_description="Apply the models to")
        for name, title in (("detector", "Detector"), ("classifier", "Classifier with CAMs")):
            path(ctx, inputs, f"{name}_config", label=f"{title}: config (.py)")
            path(ctx, inputs, f"{name}_checkpoint", label=f"{title}: checkpoint (.pth)")
        inputs.float("min_score", label="Store boxes that score at least", default=0.05, min=0.0, max=1.0)
        inputs.bool("synthetic", label="Also on synthetic samples", default=False)
        inputs.str("device", label="Device", description="auto, cpu or cuda:0", default="auto")
        run_key(ctx, inputs, self.name)
        self._preview(ctx, inputs)

    def _preview(self, ctx, inputs):
        from synthmed.app.names import SYNTHETIC_TAG

        given = [name for name in ("detector", "classifier") if path_of(ctx, f"{name}_checkpoint")]
        missing = [name for name in given if not path_of(ctx, f"{name}_config")]
        if missing:
            show_error(
                inputs,
                "config",
                f"The {missing[0]} has no config",
                "Choose the config that it was trained with.",
            )
        elif not given:
            show_error(inputs, "none", "No model is chosen", "Choose a detector, a classifier or both.")
        else:
            view = ctx.target_view()
            if not ctx.params.get("synthetic"):
                view = view.match_tags(SYNTHETIC_TAG, bool=False)
            notice(inputs, "plan", f"{' and '.join(given)} on {counted(len(view), 'image')}".capitalize())

    def work(self, ctx, progress):
        """Run the networks."""
        from synthmed.app.models import Model, apply_models
        from synthmed.app.skipped import as_text
        from synthmed.app.write_results import ResultOptions

        models = {}
        for name in ("detector", "classifier"):
            config, checkpoint = path_of(ctx, f"{name}_config"), path_of(ctx, f"{name}_checkpoint")
            if config and checkpoint:
                models[name] = Model(config, checkpoint)
        names = ("predictions_field", "cam_prefix", "min_score")
        given = {name: ctx.params[name] for name in names if ctx.params.get(name) not in (None, "")}
        run = apply_models(
            ctx.target_view(),
            **models,
            device=ctx.params.get("device") or "auto",
            synthetic=bool(ctx.params.get("synthetic")),
            options=ResultOptions(**given),
            key=ctx.params.get("key"),
            progress=progress,
        )
        boxes, images = counted(run.summary["boxes"], "box"), counted(run.summary["images"], "image")
        return f"{run.key}: {boxes} on {images}. {as_text(run.summary)}".rstrip()

    def __call__(
        self,
        dataset,
        *,
        detector=None,
        classifier=None,
        min_score=None,
        device=None,
        synthetic=None,
        predictions_field=None,
        cam_prefix=None,
        key=None,
    ):
        """Apply models from Python.

        Args:
            dataset: a dataset or a view.
            detector: config and checkpoint of a detector.
            classifier: config and checkpoint of a classifier with CAMs.
            min_score: boxes that score less are not stored.
            device: ``auto``, ``cpu`` or ``cuda:0``.
            synthetic: whether they also run on synthetic samples.
            predictions_field: the field of the detector's boxes.
            cam_prefix: what the fields of maps, peaks and scores begin with.
            key: the name of the run.
        """
        params = {
            "min_score": min_score,
            "device": device,
            "synthetic": synthetic,
            "predictions_field": predictions_field,
            "cam_prefix": cam_prefix,
        }
        for name, model in (("detector", detector), ("classifier", classifier)):
            if model is not None:
                params[f"{name}_config"], params[f"{name}_checkpoint"] = map(str, model)
        return self.run_on(dataset, key=key, **params)
