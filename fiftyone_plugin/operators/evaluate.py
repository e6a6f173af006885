"""The operator *evaluate*."""

import fiftyone.operators.types as types

from .base import SynthmedOperator, show_error
from .inputs import choose, chosen, counted, notice, run_key

NEWEST_BOXES = "imported boxes"


class Evaluate(SynthmedOperator):
    """Predictions and CAMs are judged against the truth of a split."""

    name = "evaluate"
    label = "synthmed: evaluate"
    description = (
        "F1, centre F1 and CAM measures of a run on a held-out split, for the Model Evaluation panel too"
    )

    phases = ("judged maps of",)

    def form(self, ctx, inputs):
        """Ask for the run, the truth and the split."""
        from synthmed.app.read_points import point_fields, read_points
        from synthmed.app.runs import list_runs

        runs = {run.key: run.key for run in reversed(list_runs(ctx.dataset, "apply_models"))}
        if not runs:
            show_error(inputs, "none", "There are no results to judge", "Apply models first.")
            return
        choose(ctx, inputs, "of", runs, label="Results")
        own = {name for run in list_runs(ctx.dataset, "apply_models") for name in run.own_fields}
        fields = {name: name for name in point_fields(ctx.dataset) if name not in own}
        default = "ground_truth" if "ground_truth" in fields else None
        choose(
            ctx, inputs, "truth_field", fields, label="Truth", description="Boxes or points", default=default
        )
        truth = ctx.params.get("truth_field") or default or next(iter(fields), None)
        points = read_points(ctx.dataset, truth if truth in fields else None, check_images=False).points
        splits = {
            name: f"{name} ({counted(points.splits.count(name), 'image')})"
            for name in sorted(set(points.splits))
        }
        default = "val" if "val" in splits else None
        choose(ctx, inputs, "split", splits, label="Split", default=default)
        run_key(ctx, inputs, self.name)
        if chosen(ctx, "split", splits) == "train":
            inputs.view(
                "warning", types.Warning(label="Figures on train say how well it was learned by heart.")
            )
        tuned = (
            "Thresholds are tuned on train."
            if "train" in splits
            else "There is no train split: boxes count from a score of 0.3 on, peaks of maps above 0."
        )
        notice(inputs, "plan", f"{tuned} Objects at the border neither count nor harm.")

    def work(self, ctx, progress):
        """Judge the results."""
        from synthmed.app.evaluate import evaluate
        from synthmed.app.runs import list_runs
        from synthmed.errors import DatasetError

        of = ctx.params.get("of") or next(
            (run.key for run in reversed(list_runs(ctx.dataset, "apply_models"))), None
        )
        if of is None:
            raise DatasetError("there are no results to judge", remedy="apply models first")
        run = evaluate(
            ctx.dataset,
            of,
            truth_field=ctx.params.get("truth_field"),
            split=ctx.params.get("split") or "val",
            class_sizes_px=ctx.params.get("class_sizes_px"),
            key=ctx.params.get("key"),
            progress=progress,
        )
        left_out = ", ".join(f"{name} ({count:,})" for name, count in run.summary["left_out"].items())
        told = f". Left out, as the models do not know them: {left_out}" if left_out else ""
        return f"{run.key}: {_headline(run)}{told}"

    def __call__(self, dataset, of=None, *, truth_field=None, split="val", class_sizes_px=None, key=None):
        """Evaluate from Python.

        Args:
            dataset: the dataset.
            of: the key of a run that applied models; by default the newest.
            truth_field: boxes or points of the expert.
            split: the split to judge.
            class_sizes_px: class name -> size, where neither boxes nor a bank tell it.
            key: the name of the run.
        """
        params = {"of": of, "truth_field": truth_field, "split": split, "class_sizes_px": class_sizes_px}
        return self.run_on(dataset, **params, key=key)


def _interval(figures, name):
    """The interval of a figure, where it has one."""
    ends = figures["intervals"].get(name)
    return f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else ""


def _headline(run):
    """The two figures that matter most, over all classes."""
    overall = run.summary["report"]["overall"]
    parts = []
    for title, group, name in (("F1@0.5", "detector", "f1_iou"), ("centre F1", "detector", "f1_center")):
        if overall.get(group) and overall[group][name] is not None:
            parts.append(f"{title} {overall[group][name]:.2f}{_interval(overall[group], name)}")
    if overall.get("cam") and overall["cam"]["pointing_game"] is not None:
        interval = _interval(overall["cam"], "pointing_game")
        parts.append(f"CAM pointing game {overall['cam']['pointing_game']:.2f}{interval}")
    return ", ".join(parts) or "nothing could be measured"
