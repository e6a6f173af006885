"""The command line: ``synthmed ...``. Every command is a thin door to a function of the packages."""

from __future__ import annotations

import os
from pathlib import Path

import click

from synthmed import __version__
from synthmed.commands.adapt import adapt
from synthmed.commands.bank import bank
from synthmed.commands.detect import detect, export
from synthmed.commands.evaluate import evaluate
from synthmed.commands.fidelity import fidelity
from synthmed.commands.points import points
from synthmed.commands.scenes import recipe, render
from synthmed.terminal import Commands, console, progress_bar

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_PATH = click.Path(path_type=Path)
_COUNT = click.IntRange(min=1)
_SEED = click.IntRange(min=0)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
def main() -> None:
    """From clicked centres to trained detectors: synthetic training images for microscopy."""


for command in (points, bank, recipe, render, detect, export, evaluate, fidelity, adapt):
    main.add_command(command)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--register-plugin", is_flag=True, help="Link the plugin into FiftyOne's plugins folder.")
def doctor(as_json: bool, register_plugin: bool) -> None:
    """Tell what is installed, what is missing, and the command that mends it."""
    from synthmed import doctor
    from synthmed.doctor.plugins import registered_plugin

    if register_plugin:
        before = registered_plugin(os.environ)
        target = before.parent.resolve() if before is not None else None
        found = doctor.register_plugin(os.environ)
        console.print(f"FiftyOne finds the plugin: {found}")
        if target not in (None, found.parent.resolve()):
            console.print(f"  the link led to another synthmed before: {target}")
        return
    raise click.exceptions.Exit(doctor.run_doctor(as_json))


@main.command()
@click.argument("out", type=_PATH)
@click.option("--train", default=120, show_default=True, help="Train images.")
@click.option("--val", default=40, show_default=True, help="Validation images.")
@click.option("--seed", default=0, show_default=True, type=_SEED)
def phantom(out: Path, train: int, val: int, seed: int) -> None:
    """Simulate urine-sediment images with exact truth: something to try synthmed on."""
    from synthmed.phantom import write_phantom

    with progress_bar("Simulating images") as progress:
        write_phantom(out, train=train, val=val, seed=seed, progress=progress)
    console.print(f"wrote {out}")


@main.command()
@click.option("--data", type=_FOLDER, help="Folder with images/ and points.csv. Default: the phantom.")
@click.option("--out", default="work_dirs/demo", show_default=True, type=_PATH, help="Folder of the demos.")
@click.option("--size", "sizes", multiple=True, metavar="CLASS=SIZE", help="As for `bank build`.")
@click.option("--configs", type=_FOLDER, help="Folder like mmdet_configs. Default: what synthmed came with.")
@click.option("--detector-iters", type=_COUNT, help="Default: what the config says.")
@click.option("--classifier-iters", type=_COUNT, help="Default: what the config says.")
@click.option("--fiftyone/--no-fiftyone", default=True, show_default=True, help="Make a FiftyOne dataset.")
@click.option("--app", "open_app", is_flag=True, help="Open the FiftyOne App at the end.")
def demo(
    data: Path | None,
    out: Path,
    sizes: tuple[str, ...],
    configs: Path | None,
    detector_iters: int | None,
    classifier_iters: int | None,
    fiftyone: bool,
    open_app: bool,
) -> None:
    """The whole path once: points, bank, scenes, training, predictions beside CAMs, a table, pictures."""
    from synthmed.demo import DemoOptions, run_demo

    run_demo(DemoOptions(data, out, sizes, configs, detector_iters, classifier_iters, fiftyone))
    if open_app and fiftyone:
        from synthmed.app.launch import launch

        launch()


@main.command()
@click.argument("dataset", required=False)
@click.option("--port", default=5151, show_default=True)
@click.option("--address", default="127.0.0.1", show_default=True)
def app(dataset: str | None, port: int, address: str) -> None:
    """Open the FiftyOne App, on the newest dataset of a demo unless another is named."""
    from synthmed.app.launch import launch

    launch(dataset, port=port, address=address)
