"""The operator *show run*."""

import json

from .base import SynthmedOperator, samples_of, show_error
from .inputs import choose, chosen, named_run


class ShowRun(SynthmedOperator):
    """The samples of a run become the view."""

    name = "show_run"
    label = "synthmed: show run"
    description = "Look at the samples of a run, and at what it was asked to do"

    def form(self, ctx, inputs):
        """Ask for the run, and show its record."""
        runs = run_choices(ctx.dataset)
        if not runs:
            show_error(inputs, "none", "There are no runs yet")
            return
        choose(ctx, inputs, "run", runs, label="Run")
        show_record(ctx, inputs, chosen(ctx, "run", runs))

    def work(self, ctx, progress):
        """Check that there is such a run."""
        from synthmed.app.runs import view_run

        key = named_run(ctx)
        return f"{key}: {len(view_run(ctx.dataset, key)):,} samples"

    def after(self, ctx):
        """Show its samples."""
        from synthmed.app.runs import view_run

        yield ctx.ops.set_view(view_run(ctx.dataset, ctx.params["run"]))

    def __call__(self, dataset, run):
        """The samples of a run, from Python.

        Args:
            dataset: the dataset.
            run: the key of the run.
        """
        from synthmed.app.runs import view_run

        return view_run(samples_of(dataset)._root_dataset, run)


def run_choices(dataset):
    """Keys of all runs, the newest first, with what they are."""
    from synthmed.app.runs import list_runs

    return {
        run.key: f"{run.key} ({run.started:%Y-%m-%d %H:%M}{'' if run.state == 'done' else ', cut off'})"
        for run in reversed(list_runs(dataset))
    }


def show_record(ctx, inputs, key):
    """What a run was asked to do."""
    from synthmed.app.runs import get_run

    run = get_run(ctx.dataset, key)
    record = {**run.params, "depends_on": run.depends_on} if run.depends_on else run.params
    text = json.dumps(record, indent=1, default=str)
    inputs.md(f"```json\n{text}\n```", name="record")
