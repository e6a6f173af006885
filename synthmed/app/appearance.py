"""How runs look in the App: one colour per class in all fields, and one heat scale for all CAMs.

Colours are set in the dataset's ``app_config``, where a user's own choices stand too: what is there is never
changed, and what a run added goes when the run is deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import fiftyone as fo

from synthmed._colors import PALETTE

# From light yellow to dark red; zero is transparent in the App.
HEAT = "YlOrRd"

OPACITY = 0.45
_TRUTH_SHADE = 0.55


def color_labels(dataset: fo.Dataset, field: str, classes: Sequence[str], *, truth: bool = False) -> None:
    """Give each class its colour in a field of labels, the same as in the dataset's other fields.

    Args:
        dataset: the dataset.
        field: a field of detections, keypoints or classifications.
        classes: the classes that may occur in it.
        truth: whether the labels are the expert's; they get a darker shade than predictions.
    """
    scheme = _scheme(dataset)
    if any(entry.get("path") == field for entry in scheme.fields):
        return
    base = _class_colors(scheme, classes)
    colors = {name: shade(color, _TRUTH_SHADE) if truth else color for name, color in base.items()}
    scheme.fields.append(
        {
            "path": field,
            "colorByAttribute": "label",
            "valueColors": [{"value": name, "color": colors[name]} for name in classes],
        }
    )
    _store(dataset, scheme)


def color_heatmaps(dataset: fo.Dataset, fields: Sequence[str]) -> None:
    """Give heatmap fields the heat scale."""
    scheme = _scheme(dataset)
    taken = {entry.get("path") for entry in scheme.colorscales}
    scheme.colorscales += [{"path": field, "name": HEAT} for field in fields if field not in taken]
    _store(dataset, scheme)


def show_fields(dataset: fo.Dataset, fields: Collection[str], *, quiet: Collection[str] = ()) -> None:
    """Choose which of a run's new fields the App shows from the start; the others are one click away.

    Args:
        dataset: the dataset.
        fields: label fields to show.
        quiet: label fields that would hide what they mark, or the picture.
    """
    config = dataset.app_config
    if config.active_fields is None:
        if not quiet:
            return
        # By default the App shows every label field but heatmaps and masks.
        config.active_fields = fo.DatasetAppConfig.default_active_fields(dataset)
    paths = [path for path in config.active_fields.paths if path not in quiet]
    config.active_fields.paths = paths + [field for field in fields if field not in paths]
    dataset.save()


def open_scheme(dataset: fo.Dataset) -> dict[str, Any]:
    """The dataset's scheme as an App that is open takes it up at once; empty where there is none.

    The App paints a scale by its 256 colours, and loses them when it restores a session.
    """
    scheme = dataset.app_config.color_scheme
    if scheme is None:
        return {}
    scales = [
        {**scale, "rgb": [list(color) for color in fo.app_config.get_colormap(scale["name"])]}
        for scale in scheme.colorscales or []
        if scale.get("name")
    ]
    return {
        "color_by": scheme.color_by,
        "opacity": scheme.opacity,
        "fields": [dict(entry) for entry in scheme.fields or []],
        "colorscales": scales,
    }


def forget_fields(dataset: fo.Dataset, fields: Collection[str]) -> None:
    """Take back what was set for deleted fields; settings that say nothing else go with them."""
    config = dataset.app_config
    # FiftyOne writes the default groups out when an evaluation gets one, and leaves them when that goes.
    if config.sidebar_groups and _groups(config.sidebar_groups) == _groups(_default_groups(dataset)):
        config.sidebar_groups = None
        dataset.save()
    if config.active_fields and set(config.active_fields.paths) == _shown_by_default(dataset):
        config.active_fields = None
        dataset.save()
    scheme = config.color_scheme
    if scheme is None:
        return
    for name in ("fields", "colorscales"):
        entries = getattr(scheme, name) or []
        setattr(scheme, name, [entry for entry in entries if entry.get("path") not in fields])
    if _content(scheme) == _content(_default_scheme()):
        dataset.app_config.color_scheme = None
        dataset.save()
    else:
        _store(dataset, scheme)


def _default_groups(dataset: fo.Dataset) -> list[Any]:
    groups: list[Any] = fo.DatasetAppConfig.default_sidebar_groups(dataset)
    return groups


def _groups(groups: Sequence[Any]) -> dict[str, set[str]]:
    return {group.name: set(group.paths or []) for group in groups}


def _shown_by_default(dataset: fo.Dataset) -> set[str]:
    return set(fo.DatasetAppConfig.default_active_fields(dataset).paths)


def shade(color: str, factor: float) -> str:
    """A colour made darker.

    Examples:
        >>> shade("#ff8000", 0.5)
        '#804000'
    """
    channels = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(channel * factor):02x}" for channel in channels)


def _class_colors(scheme: fo.ColorScheme, classes: Sequence[str]) -> dict[str, str]:
    """The colour of each class: the one that another field gives it, else the next free one."""
    base_of = {color: color for color in PALETTE} | {shade(color, _TRUTH_SHADE): color for color in PALETTE}
    known: dict[str, str] = {}
    for entry in scheme.fields:
        for pair in entry.get("valueColors") or []:
            if pair.get("color") in base_of:
                known.setdefault(pair["value"], base_of[pair["color"]])
    for name in classes:
        if name not in known:
            free = [color for color in PALETTE if color not in known.values()]
            known[name] = free[0] if free else PALETTE[len(known) % len(PALETTE)]
    return known


def _default_scheme() -> fo.ColorScheme:
    return fo.ColorScheme(
        color_by="value",
        opacity=OPACITY,
        multicolor_keypoints=False,
        show_skeletons=False,
        fields=[],
        colorscales=[],
    )


def _scheme(dataset: fo.Dataset) -> fo.ColorScheme:
    scheme = dataset.app_config.color_scheme or _default_scheme()
    scheme.fields = list(scheme.fields or [])
    scheme.colorscales = list(scheme.colorscales or [])
    return scheme


def _store(dataset: fo.Dataset, scheme: fo.ColorScheme) -> None:
    dataset.app_config.color_scheme = scheme
    dataset.save()


def _content(scheme: fo.ColorScheme) -> dict[str, Any]:
    content = scheme.to_dict()
    return {name: value for name, value in content.items() if name != "_id" and value}
