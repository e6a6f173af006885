"""Where FiftyOne looks for plugins, and whether synthmed's stands there. FiftyOne itself is not imported."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from json import JSONDecodeError, loads
from pathlib import Path

from synthmed._shipped import shipped_folder
from synthmed.errors import SynthmedError

METADATA_NAMES = ("fiftyone.yml", "fiftyone.yaml")
PLUGIN_FOLDER = shipped_folder("fiftyone_plugin")

_LINK = "synthmed"
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


def is_of_this_synthmed(plugin: Path) -> bool:
    """Whether a plugin file is that of the synthmed which runs, rather than of another checkout."""
    return plugin.parent.resolve() == PLUGIN_FOLDER.resolve()


def is_own_link(plugin: Path, environ: Mapping[str, str]) -> bool:
    """Whether a plugin file is found by the link that `register_plugin` makes."""
    return plugin.parent == plugins_dir(environ) / _LINK and plugin.parent.is_symlink()


def register_plugin(environ: Mapping[str, str]) -> Path:
    """Link the plugin into FiftyOne's plugins folder; our link to that of another synthmed is changed.

    Args:
        environ: the environment variables.

    Returns:
        The plugin file that FiftyOne finds.

    Raises:
        SynthmedError: the plugin of another synthmed is there but not by our link, something else has the
            name of the link, or the plugin did not come with synthmed.
    """
    found = registered_plugin(environ)
    if found is not None and is_of_this_synthmed(found):
        return found
    if not PLUGIN_FOLDER.is_dir():
        raise SynthmedError("the plugin is not there", file=PLUGIN_FOLDER, remedy="install synthmed again")
    if found is not None and not is_own_link(found, environ):
        raise SynthmedError(
            "this plugin is of another synthmed",
            file=found.parent,
            remedy="move it away, and register the plugin again",
        )
    link = plugins_dir(environ) / _LINK
    if link.is_symlink() and (found is not None or not link.exists()):
        link.unlink()  # it leads to another checkout, or to one that is gone
    if link.exists():
        raise SynthmedError("this is not the plugin of synthmed", file=link, remedy="move it away")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(PLUGIN_FOLDER, target_is_directory=True)
    return link / METADATA_NAMES[0]


def _read_config(path: Path) -> dict[str, str]:
    """FiftyOne's config file; empty where there is none that can be read."""
    try:
        config = loads(path.read_text(encoding="utf-8"))
    except (OSError, JSONDecodeError):
        return {}
    if not isinstance(config, dict):
        return {}
    return {key: value for key, value in config.items() if isinstance(key, str) and isinstance(value, str)}
