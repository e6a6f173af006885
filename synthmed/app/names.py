"""Names of the fields, tags and files that runs write, in one place."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

POINTS = "points"
TRUTH = "ground_truth"
SPLIT = "split"
GROUP = "source_group"
RUN = "synthmed_run"
PRESENT = "present"
PREDICTIONS = "predictions"
CAM = "cam"
SYNTHETIC_TAG = "synthetic"


def slug(name: str) -> str:
    """A class name as the end of a field name: lower case letters, digits and underscores.

    Examples:
        >>> slug("Living Cell"), slug("RBC (sickle)"), slug("Erythrozyt µ"), slug("---")
        ('living_cell', 'rbc_sickle', 'erythrozyt', 'class')
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "class"


def class_fields(prefix: str, classes: Sequence[str], taken: Collection[str] = ()) -> dict[str, str]:
    """One field name per class, distinct also where class names differ in punctuation only.

    Args:
        prefix: what each name begins with.
        classes: the class names.
        taken: field names that are something else already.

    Examples:
        >>> class_fields("cam", ["RBC", "rbc+", "Peaks"], taken=["cam_peaks"])
        {'RBC': 'cam_rbc', 'rbc+': 'cam_rbc_2', 'Peaks': 'cam_peaks_2'}
    """
    fields: dict[str, str] = {}
    used = set(taken)
    for name in classes:
        field = base = f"{prefix}_{slug(name)}"
        number = 1
        while field in used:
            number += 1
            field = f"{base}_{number}"
        used.add(field)
        fields[name] = field
    return fields
