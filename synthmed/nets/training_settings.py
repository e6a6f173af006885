"""What decides what a training learns: the resolved config, the files it names, and the bank."""

from __future__ import annotations

import math
import os
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction

from synthmed.bank import open_bank
from synthmed.errors import ModelError
from synthmed.nets.load_model import quiet_config
from synthmed.nets.scene_dataset import load_recipe

# Where data lie does not matter, what they are does: these are replaced by their names, and what a training
# reads of them is hashed.
_PLACES = ("SYNTHMED_BANK", "SYNTHMED_IMAGES", "SYNTHMED_POINTS", "SYNTHMED_BOXES")

# Beginnings of the parts of a config that training could lack. Boxes matter where a dataset names them.
_NOT_LEARNT_FROM = ("val_", "test_", "vis", "log_", "resume", "boxes")


def training_settings(config: Path, env: Mapping[str, str], options: Sequence[str]) -> dict[str, Any]:
    """Every setting that decides what a training learns, by its dotted name.

    Bases are merged, variables replaced and options applied, as MMDetection does it. Recipes of scenes are
    given in full, with the defaults of this synthmed. Paths of the data are left out; the hash of each bank,
    and of each file that a setting names, is put in. What lies in a folder of images is not looked at.

    Args:
        config: a config of MMDetection.
        env: variables that the config reads, beside those of this process.
        options: entries ``key=value``, as for ``--cfg-options``.

    Returns:
        Values that JSON can hold.

    Raises:
        ModelError: the config cannot be read.
        BankError: ``SYNTHMED_BANK``, or a setting, names no usable bank.
        RecipeError: a recipe of scenes is not valid.
    """
    bank = env.get("SYNTHMED_BANK", os.environ.get("SYNTHMED_BANK"))
    places = _places(env)
    with quiet_config(), _environment({**env, **{name: name for name in places}}):
        try:
            settings = Config.fromfile(str(config), import_custom_modules=False)
            parser = ArgumentParser(exit_on_error=False)
            parser.add_argument("--options", nargs="*", action=DictAction, default={})
            settings.merge_from_dict(parser.parse_args(["--options", *options]).options)
        except Exception as error:  # a config is a program: it may fail in any way
            raise ModelError(
                f"the config cannot be read: {type(error).__name__}: {error}",
                file=config,
                remedy="mend it; mmdet_configs/README.md says what configs need",
            ) from error
    parts = {key: part for key, part in settings.to_dict().items() if not key.startswith(_NOT_LEARNT_FROM)}
    flat = dict(_entries(_with_whole_recipes(parts), ""))
    contents = {f"content of {key}": _content(key, flat, places) for key in flat}
    known = {} if bank is None else {"hash of the bank": open_bank(bank).hash}
    return {
        **known,
        **{key: _plain(value) for key, value in flat.items()},
        **{key: content for key, content in contents.items() if content is not None},
    }


def _places(env: Mapping[str, str]) -> dict[str, str]:
    values = {name: env.get(name, os.environ.get(name)) for name in _PLACES}
    return {name: value for name, value in values.items() if value is not None and value != "none"}


def _with_whole_recipes(value: Any) -> Any:
    """Parts of a config, where each dataset of scenes has its recipe with every field."""
    if isinstance(value, list | tuple):
        return [_with_whole_recipes(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    whole = {key: _with_whole_recipes(item) for key, item in value.items()}
    if value.get("type") == "SceneDataset":
        recipe = load_recipe(value.get("recipe"), value.get("size_px"))
        whole["recipe"] = recipe.model_dump(mode="json")
    return whole


def _content(key: str, flat: Mapping[str, Any], places: Mapping[str, str]) -> str | None:
    """The hash of the file or bank that a setting names, or ``None``."""
    value = flat[key]
    if not isinstance(value, str) or value == "SYNTHMED_BANK":
        return None
    # As `RealDataset` reads it.
    split = str(flat.get(f"{key.rpartition('.')[0]}.split", "val"))
    path = Path(places.get(value, value).replace("{split}", split))
    try:
        if key.endswith(".bank") and path.is_dir():
            return open_bank(path).hash
        if key.endswith(".points") and path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
        else:
            files = [path] if path.is_file() else []
        digest = sha256(b"".join(sha256(file.read_bytes()).digest() for file in files))
        return digest.hexdigest()[:12] if files else None
    except (OSError, ValueError):  # such as a text that is too long for the name of a file
        return None


def _entries(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every value that is no collection of others, with its dotted name."""
    if isinstance(value, Mapping):
        pairs = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        pairs = [(str(number), item) for number, item in enumerate(value)]
    else:
        yield name, value
        return
    for key, item in pairs:
        yield from _entries(item, f"{name}.{key}" if name else key)


def _plain(value: Any) -> str | int | float | None:
    """What comes back from JSON equal to itself."""
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return value if isinstance(value, str | int | float | None) else repr(value)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables of this process for the time of a block: MMEngine reads no others."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
