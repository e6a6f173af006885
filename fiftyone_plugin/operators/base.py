"""What all operators have in common: a form, work with progress, and errors that say what to do."""

import importlib.util
import queue
import threading
import time

import fiftyone.operators as foo
import fiftyone.operators.types as types
from fiftyone.operators.executor import Executor, ValidationContext

PIP_LINE = 'pip install -c constraints.txt -e ".[app]"'

_MOMENT_S = 0.2


class CancelledError(Exception):
    """The user has gone away; the run is undone."""


class SynthmedOperator(foo.Operator):
    """An operator whose form and work are methods of their own.

    Subclasses set `name`, `label` and `description`, and define `form` and `work`. Where the work goes over
    the same things several times, `phases` says what each time is called.
    """

    name = ""
    label = ""
    description = ""
    phases = ("done with",)
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

    def tell(self, done, total):
        """What the bar says: the step of the phase that the work is in."""
        size = max(total // len(self.phases), 1)
        phase = min(max(done - 1, 0) // size, len(self.phases) - 1)
        return f"{self.phases[phase]} {done - phase * size:,} of {size:,} {self.unit}"

    def after(self, ctx):
        """What the App does when the work is done, one operation after the other."""
        from synthmed.app.appearance import open_scheme

        ctx.dataset.reload()
        yield ctx.ops.reload_dataset()
        # Reloading brings new fields, but not their colours.
        if scheme := open_scheme(ctx.dataset):
            yield ctx.trigger("set_color_scheme", scheme)

    def resolve_input(self, ctx):
        """The form; where synthmed is not installed, how to get it."""
        inputs = types.Object()
        if importlib.util.find_spec("synthmed") is None:
            show_error(
                inputs,
                "missing",
                "The package synthmed is not installed",
                f"Run `{PIP_LINE}` in a checkout of synthmed, and restart FiftyOne.",
            )
        else:
            self._try_form(ctx, inputs)
        return types.Property(inputs, view=types.View(label=self.label))

    def execute(self, ctx):
        """Run the work in a thread, so that the App gets its progress meanwhile."""
        from synthmed.errors import SynthmedError

        try:
            for done, total in (steps := _Steps(lambda progress: self._told(self.work, ctx, progress))):
                yield ctx.ops.set_progress(label=self.tell(done, total), progress=done / max(total, 1))
        except SynthmedError as error:
            yield ctx.ops.notify(str(error), variant="error")
            # FiftyOne shows where an error comes from, which is of no use where the user can mend it.
            raise error.with_traceback(None) from None
        yield from self.after(ctx)
        yield ctx.ops.notify(steps.said, variant="success")

    def _try_form(self, ctx, inputs):
        from synthmed.errors import SynthmedError

        try:
            self._told(self.form, ctx, inputs)
        except SynthmedError as error:
            show_error(inputs, "problem", *sentence(error))

    @staticmethod
    def _told(call, *arguments):
        from synthmed.app.database import told

        with told("start it again"):
            return call(*arguments)

    def run_on(self, dataset, **params):
        """Execute the operator from Python, and give the run that it recorded.

        Args:
            dataset: a dataset, its name or a view.
            **params: the inputs of the form by name.
        """
        from synthmed.app.runs import get_run, new_key

        root = samples_of(dataset)._root_dataset
        params["key"] = params.get("key") or new_key(root, self.name)
        self.do(dataset, **params)
        return get_run(root, params["key"])

    def do(self, dataset, **params):
        """Do from Python what the form would do, for as long as it takes; a mistake is raised as what it is.

        Args:
            dataset: a dataset, its name or a view.
            **params: the inputs of the form by name.
        """
        samples = samples_of(dataset)
        request = {
            "dataset_name": samples._root_dataset.name,
            "view": samples.view()._serialize(),
            "params": {name: value for name, value in params.items() if value is not None},
        }
        ctx = foo.ExecutionContext(request, executor=Executor(), operator_uri=self.uri)
        inputs = types.Object()
        self._told(self.form, ctx, inputs)
        refuse_invalid(ctx, inputs, self)
        return self._told(self.work, ctx, None)


def show_error(inputs, name, label, description=""):
    """A red box in a form, which then cannot be executed."""
    # Python has the message alone.
    message = f"{label}. Remedy: {description}" if description else label
    inputs.view(name, types.Error(label=label, description=description), invalid=True, error_message=message)


def refuse_invalid(ctx, inputs, operator):
    """Raise the first thing that is wrong with the inputs of a form, if there is one."""
    from synthmed.errors import SynthmedError

    for error in ValidationContext(ctx, types.Property(inputs), operator).errors:
        name = error.path.strip(".")
        if error.custom:
            raise SynthmedError(error.reason)
        remedy = "see the operator's docstring"
        raise SynthmedError(f"{name}: {error.reason}", value=ctx.params.get(name), remedy=remedy)


def samples_of(dataset):
    """The dataset or view itself, also where it is named."""
    import fiftyone as fo

    from synthmed.errors import DatasetError

    if isinstance(dataset, (fo.Dataset, fo.DatasetView)):
        return dataset
    if isinstance(dataset, str) and fo.dataset_exists(dataset):
        return fo.load_dataset(dataset)
    known = ", ".join(fo.list_datasets()) or "none"
    raise DatasetError(
        "there is no such dataset", value=dataset, remedy=f"pass a dataset or a view, or name one of: {known}"
    )


def sentence(error):
    """A mistake as a title and a line that says what to do."""
    where = "" if error.file is None else f"{error.file}: "
    value = "" if error.value is None else f" (got {error.value!r})"
    return f"{where}{error.what}{value}", error.remedy or ""


class _Steps:
    """Work in a thread: iterating gives its steps, a few a second, until it is done.

    Args:
        work: is called with a ``progress``; what it returns is `said` in the end.
    """

    def __init__(self, work):
        self.said = None
        self._error = None
        self._events = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), name="synthmed", daemon=True)

    def __iter__(self):
        self._thread.start()
        try:
            while (event := _latest(self._events)) is not None:
                yield event
        finally:
            self._stopped.set()
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self, work):
        try:
            self.said = work(self._progress)
        except BaseException as error:
            self._error = error
        finally:
            self._events.put(None)

    def _progress(self, done, total):
        if self._stopped.is_set():
            raise CancelledError
        self._events.put((done, total))


def _latest(events):
    """Wait a moment, then take the newest event; the end is never skipped."""
    event = events.get()
    if event is not None:
        time.sleep(_MOMENT_S)
    while event is not None and not events.empty():
        event = events.get()
    return event
