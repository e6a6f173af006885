"""Where FiftyOne looks for plugins, and whether synthmed's stands there. FiftyOne itself is not imported."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from json import JSONDecodeError, loads
from pathlib import Path

METADATA_NAMES = ("fiftyone.yml", "fiftyone.yaml")
PLUGIN_FOLDER = Path(__file__).resolve().parents[2] / "fiftyone_plugin"

_OUR_NAME = re.compile(r"""^name:\s*["']?@[\w-]+/synthmed["']?\s*$""", re.MULTILINE)


def plugins_dir(environ: Mapping[str, str]) -> Path:
    """The folder that FiftyOne loads plugins from: its variable, its config file, its default, in this order.

    Args:
        environ: the environment variables.
    """
    home = Path(environ.get("HOME") or Path.home())
    config = _read_config(Path(environ.get("FIFTYONE_CONFIG_PATH") or home / ".fiftyone" / "config.json"))
    if chosen := environ.get("FIFTYONE_PLUGINS_DIR") or config.get("plugins_dir"):
        return Path(chosen).expanduser()
    datasets = environ.get("FIFTYONE_DEFAULT_DATASET_DIR") or config.get("default_dataset_dir")
    return (Path(datasets).expanduser() if datasets else home / "fiftyone") / "__plugins__"


def registered_plugin(environ: Mapping[str, str]) -> Path | None:
    """The plugin file of synthmed in FiftyOne's plugins folder; ``None`` where there is none.

    The folder is walked as FiftyOne does: links are followed, hidden folders are not, and nothing below a
    plugin is looked at.
    """
    for folder, folders, files in os.walk(plugins_dir(environ), followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in METADATA_NAMES:
            if name in files:
                folders.clear()
                path = Path(folder) / name
                if _OUR_NAME.search(path.read_text(encoding="utf-8", errors="replace")):
                    return path
    return None


def link_command(environ: Mapping[str, str]) -> str:
    """The shell command that brings the plugin into FiftyOne's plugins folder.

    From a checkout it puts a link there; where there is none, FiftyOne downloads the plugin.
    """
    if not PLUGIN_FOLDER.is_dir():
        return "fiftyone plugins download URL_OF_THE_REPOSITORY_OF_SYNTHMED"
    target = plugins_dir(environ)
    link = shlex.join(["ln", "-sfn", str(PLUGIN_FOLDER), str(target / "synthmed")])
    return f"{shlex.join(['mkdir', '-p', str(target)])} && {link}"


def _read_config(path: Path) -> dict[str, str]:
    """FiftyOne's config file; empty where there is none that can be read."""
    try:
        config = loads(path.read_text(encoding="utf-8"))
    except (OSError, JSONDecodeError):
        return {}
    if not isinstance(config, dict):
        return {}
    return {key: value for key, value in config.items() if isinstance(key, str) and isinstance(value, str)}
