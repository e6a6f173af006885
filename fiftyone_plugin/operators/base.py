"""What all operators have in common: a form, work with progress, and errors that say what to do."""

import importlib.util
import queue
import threading
import time

import fiftyone.operators as foo
import fiftyone.operators.types as types

PIP_LINE = 'pip install "synthmed[app]"'

_MOMENT_S = 0.2


class CancelledError(Exception):
    """The user has gone away; the run is undone."""


class SynthmedOperator(foo.Operator):
    """An operator whose form and work are methods of their own.

    Subclasses set `name`, `label`, `description` and `unit`, and define `form` and `work`.
    """

    name = ""
    label = ""
    description = ""
    unit = "images"

    @property
    def config(self):
        """How FiftyOne runs the operator: at once, never handed to a worker that may not be there."""
        return foo.OperatorConfig(
            name=self.name,
            label=self.label,
            description=self.description,
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=False,
        )

    def form(self, ctx, inputs):
        """Add the inputs, and tell what is going to happen."""
        raise NotImplementedError

    def work(self, ctx, progress):
        """Do it, calling ``progress(done, total)``; return one sentence about what came of it."""
        raise NotImplementedError

    def after(self, ctx):
        """What the App does when the work is done, one operation after the other."""
        yield ctx.ops.reload_dataset()

    def resolve_input(self, ctx):
        """The form; where synthmed is not installed, how to get it."""
        inputs = types.Object()
        if importlib.util.find_spec("synthmed") is None:
            show_error(
                inputs,
                "missing",
                "The package synthmed is not installed",
                f"Run `{PIP_LINE}` and restart FiftyOne.",
            )
        else:
            self._try_form(ctx, inputs)
        return types.Property(inputs, view=types.View(label=self.label))

    def execute(self, ctx):
        """Run the work in a thread, so that the App gets its progress meanwhile."""
        said = yield from _with_progress(ctx, lambda progress: self.work(ctx, progress), self.unit)
        yield from self.after(ctx)
        yield ctx.ops.notify(said, variant="success")

    def _try_form(self, ctx, inputs):
        from synthmed.errors import SynthmedError

        try:
            self.form(ctx, inputs)
        except SynthmedError as error:
            show_error(inputs, "problem", *sentence(error))

    def run_on(self, dataset, **params):
        """Execute the operator from Python, and give the run that it recorded.

        Args:
            dataset: a dataset or a view.
            **params: the inputs of the form by name.
        """
        from synthmed.app.runs import get_run, new_key

        root = dataset._root_dataset
        params["key"] = params.get("key") or new_key(root, self.name)
        target = {"dataset": dataset} if dataset is root else {"view": dataset}
        foo.execute_operator(self.uri, {**target, "params": params})
        return get_run(root, params["key"])


def show_error(inputs, name, label, description=""):
    """A red box in a form, which then cannot be executed."""
    inputs.view(name, types.Error(label=label, description=description), invalid=True, error_message=label)


def sentence(error):
    """A mistake as a title and a line that says what to do."""
    where = "" if error.file is None else f"{error.file}: "
    value = "" if error.value is None else f" (got {error.value!r})"
    return f"{where}{error.what}{value}", error.remedy or ""


def _with_progress(ctx, work, unit):
    """Yield progress until the work is done; return what it says."""
    events = queue.SimpleQueue()
    stopped = threading.Event()
    outcome = {}

    def progress(done, total):
        if stopped.is_set():
            raise CancelledError
        events.put((done, total))

    def run():
        try:
            outcome["said"] = work(progress)
        except BaseException as error:
            outcome["error"] = error
        finally:
            events.put(None)

    thread = threading.Thread(target=run, name="synthmed", daemon=True)
    thread.start()
    try:
        while (event := _latest(events)) is not None:
            done, total = event
            yield ctx.ops.set_progress(label=f"{done:,} of {total:,} {unit}", progress=done / max(total, 1))
    finally:
        stopped.set()
        thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["said"]


def _latest(events):
    """Wait a moment, then take the newest event; the end is never skipped."""
    event = events.get()
    if event is not None:
        time.sleep(_MOMENT_S)
    while event is not None and not events.empty():
        event = events.get()
    return event
