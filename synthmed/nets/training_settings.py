"""What decides what a training learns: the resolved config, the files it names, and the bank."""

from __future__ import annotations

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

# Where data lie does not matter, what they are does: the hash of the bank is that of points and pixels.
_PLACES = ("SYNTHMED_BANK", "SYNTHMED_IMAGES", "SYNTHMED_POINTS", "SYNTHMED_BOXES")

# Beginnings of the parts of a config that training could lack.
_NOT_LEARNT_FROM = ("val_", "test_", "vis", "log_", "resume")


def training_settings(config: Path, env: Mapping[str, str], options: Sequence[str]) -> dict[str, Any]:
    """Every setting that decides what a training learns, by its dotted name.

    Bases are merged, variables replaced and options applied, as MMDetection does it. Paths of the data are
    left out, the hash of the bank is put in, and so is that of each file that a setting names.

    Args:
        config: a config of MMDetection.
        env: variables that the config reads, beside those of this process.
        options: entries ``key=value``, as for ``--cfg-options``.

    Returns:
        Values that JSON can hold.

    Raises:
        ModelError: the config cannot be read.
        BankError: ``SYNTHMED_BANK`` names no usable bank.
    """
    bank = env.get("SYNTHMED_BANK", os.environ.get("SYNTHMED_BANK"))
    with quiet_config(), _environment({**env, **_places(env)}):
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
    flat = dict(_entries(parts, ""))
    files = {
        f"content of {key}": sha256(Path(value).read_bytes()).hexdigest()[:12]
        for key, value in flat.items()
        if isinstance(value, str) and Path(value).is_file()
    }
    known = {} if bank is None else {"hash of the bank": open_bank(bank).hash}
    return {**known, **flat, **files}


def _places(env: Mapping[str, str]) -> dict[str, str]:
    values = {name: env.get(name, os.environ.get(name)) for name in _PLACES}
    return {name: name for name, value in values.items() if value is not None and value != "none"}


def _entries(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every value that is no collection of others, with its dotted name."""
    if isinstance(value, Mapping):
        pairs = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        pairs = [(str(number), item) for number, item in enumerate(value)]
    else:
        plain = value if isinstance(value, str | int | float | bool | None) else repr(value)
        yield name, plain
        return
    for key, item in pairs:
        yield from _entries(item, f"{name}.{key}" if name else key)


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
