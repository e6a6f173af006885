"""The operator *delete run*."""

from .base import SynthmedOperator, show_error
from .inputs import choose, chosen, counted, named_run, notice
from .show_run import run_choices


class DeleteRun(SynthmedOperator):
    """A run is undone."""

    name = "delete_run"
    label = "synthmed: delete run"
    description = "Undo a run: its samples, fields and files go, and nothing else"

    def form(self, ctx, inputs):
        """Ask for the run, and tell what goes with it."""
        from synthmed.app.runs import dependents, get_run, view_run

        runs = run_choices(ctx.dataset)
        if not runs:
            show_error(inputs, "none", "There are no runs")
            return
        choose(ctx, inputs, "run", runs, label="Run")
        key = chosen(ctx, "run", runs)
        run, others = get_run(ctx.dataset, key), dependents(ctx.dataset, key)
        added = view_run(ctx.dataset, key) if run.shared_fields else []
        parts = [f"{counted(len(added), 'sample')} that it added"] if len(added) else []
        parts += [f"the field {name}" for name in run.own_fields]
        parts += [f"the evaluation {run.evaluation}"] if run.evaluation else []
        parts += [f"its files in {run.folder}"] if run.folder else []
        parts = parts or ["the record of the run"]
        notice(inputs, "plan", f"Deletes {', '.join(parts)}.")
        if others:
            inputs.bool(
                "with_dependents", label=f"Also delete what depends on it: {', '.join(others)}", default=False
            )
            if not ctx.params.get("with_dependents"):
                show_error(
                    inputs,
                    "dependents",
                    f"Other runs depend on it: {', '.join(others)}",
                    "Delete them first, or all together.",
                )

    def work(self, ctx, progress):
        """Undo it."""
        from synthmed.app.runs import delete_run

        gone = delete_run(
            ctx.dataset, named_run(ctx), with_dependents=bool(ctx.params.get("with_dependents"))
        )
        kept = f"; {counted(gone.kept_files, 'file')} of yours in its folder stay" if gone.kept_files else ""
        samples, files = counted(gone.samples, "sample"), counted(gone.files, "file")
        return (
            f"deleted {', '.join(gone.runs)}: {samples}, {counted(len(gone.fields), 'field')}, {files}{kept}"
        )

    def __call__(self, dataset, run, *, with_dependents=False):
        """Undo a run from Python.

        Args:
            dataset: the dataset.
            run: the key of the run.
            with_dependents: also undo the runs that depend on it.

        Returns:
            One sentence about what is gone.
        """
        return self.do(dataset, run=run, with_dependents=with_dependents)
