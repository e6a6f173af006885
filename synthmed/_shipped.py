"""Folders that come with synthmed and are no part of the package: configs, and FiftyOne's plugin."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped_folder(name: str) -> Path:
    """Where a folder of the repository lies: beside the package in a checkout, in it where it was installed.

    Args:
        name: ``mmdet_configs`` or ``fiftyone_plugin``.
    """
    beside = _PACKAGE.parent / name
    # Beside an installed package lie the folders of others.
    in_checkout = (_PACKAGE.parent / "pyproject.toml").is_file() and beside.is_dir()
    return beside if in_checkout else _PACKAGE / "shipped" / name
