"""Inputs that several forms share, and how their values are read back."""

from pathlib import Path

import fiftyone.operators.types as types


def choose(ctx, inputs, name, choices, *, default=None, **options):
    """A drop-down; `choices` maps values to labels. A value that is none of them is refused."""
    view = types.DropdownView()
    for value, label in choices.items():
        view.add_choice(value, label=label)
    if default is None and choices:
        default = next(iter(choices))
    prop = inputs.enum(name, view.values(), default=default, view=view, **options)
    value = ctx.params.get(name)
    if value is not None and value not in choices:
        known = ", ".join(map(str, choices)) or "none"
        prop.invalid = True
        prop.error_message = f"{name}: there is no {value!r}. Remedy: choose one of: {known}"
    return prop


def chosen(ctx, name, choices):
    """The value of a drop-down: what was chosen, while it is still a choice, else the first one."""
    value = ctx.params.get(name)
    return value if value in choices else next(iter(choices), None)


def named_run(ctx):
    """The key of the run that was chosen; nothing is undone or shown by default.

    Raises:
        DatasetError: none was.
    """
    from synthmed.app.runs import list_runs
    from synthmed.errors import DatasetError

    key = ctx.params.get("run")
    if not key:
        known = ", ".join(run.key for run in list_runs(ctx.dataset)) or "none"
        raise DatasetError("no run is named", remedy=f"name one of: {known}")
    return key


def path(ctx, inputs, name, *, folder=False, **options):
    """A file or folder of this machine, to be typed or browsed for; from Python it may be plain text."""
    if isinstance(ctx.params.get(name), str):
        ctx.params[name] = {"absolute_path": ctx.params[name]}
    view = types.FileExplorerView(
        choose_dir=folder,
        button_label="Browse...",
        choose_button_label="Choose",
    )
    return inputs.file(name, view=view, **options)


def path_of(ctx, name):
    """The path that an input holds, or ``None``."""
    value = ctx.params.get(name)
    value = value.get("absolute_path") if isinstance(value, dict) else value
    return Path(value).expanduser() if value else None


def run_key(ctx, inputs, kind):
    """The name of the run, which a number makes by itself."""
    from synthmed.app.runs import check_key, new_key
    from synthmed.errors import SynthmedError

    prop = inputs.str(
        "key",
        label="Name of this run",
        description="It is listed, shown and deleted under this name.",
        default=new_key(ctx.dataset, kind),
    )
    try:
        if ctx.params.get("key"):
            check_key(ctx.dataset, ctx.params["key"])
    except SynthmedError as error:
        prop.invalid, prop.error_message = True, str(error)


def number(ctx, name, default, kind=int):
    """The number that an input holds.

    Raises:
        SynthmedError: it holds something else.
    """
    from synthmed.errors import SynthmedError

    value = ctx.params.get(name)
    try:
        return default if value is None else kind(value)
    except (TypeError, ValueError) as error:
        raise SynthmedError(f"{name} is not a number", value=value, remedy="write it in digits") from error


def counted(number, noun):
    """A number with its noun.

    Examples:
        >>> counted(1, "point"), counted(2263, "point"), counted(0, "box")
        ('1 point', '2,263 points', '0 boxes')
    """
    plural = noun + ("es" if noun.endswith(("x", "ch", "s")) else "s")
    return f"{number:,} {noun if number == 1 else plural}"


def notice(inputs, name, text):
    """A plain box that tells what is going to happen."""
    inputs.view(name, types.Notice(label=text))
