"""Class sizes as people write them: ``RBC=103px``, ``RBC=7.5um`` or ``RBC=auto``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from synthmed.errors import BankError

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?P<unit>px|um|µm|μm)?", re.IGNORECASE)
_HOW = "write CLASS=103px, CLASS=7.5um (with --pixel-size-um) or CLASS=auto"


def parse_sizes(
    texts: Sequence[str], classes: Sequence[str], pixel_size_um: float | None = None
) -> dict[str, float | None]:
    """Read class sizes.

    A bare ``auto`` stands for every class that is not named; without any text every class is ``auto``.

    Args:
        texts: entries such as ``"RBC=103px"``, ``"WBC=12um"``, ``"Platelet=auto"``, ``"auto"``.
        classes: the classes that need a size.
        pixel_size_um: the side of a pixel in micrometres, for sizes in ``um``.

    Returns:
        The side in pixels per class, in the order of ``classes``; ``None`` where it is to be estimated.

    Raises:
        BankError: an entry is malformed or names an unknown class, a unit needs the pixel size, or a class
            has no size.

    Examples:
        >>> parse_sizes(["RBC=103px", "WBC=12um", "auto"], ["RBC", "WBC", "Platelet"], pixel_size_um=0.06)
        {'RBC': 103.0, 'WBC': 200.0, 'Platelet': None}
    """
    sizes: dict[str, float | None] = {}
    rest_is_auto = not texts
    for text in texts:
        if text.strip() == "auto":
            rest_is_auto = True
            continue
        name, separator, value = text.rpartition("=")
        name = name.strip()
        if not separator:
            raise BankError("a class size needs a name and a value", value=text, remedy=_HOW)
        if name not in classes:
            known = ", ".join(classes)
            raise BankError(
                "size of a class that has no points", value=name, remedy=f"the classes are: {known}"
            )
        if name in sizes:
            raise BankError("a class has two sizes", value=name, remedy="name each class once")
        sizes[name] = _parse_size(name, value.strip(), pixel_size_um)
    missing = [name for name in classes if name not in sizes]
    if missing and not rest_is_auto:
        raise BankError(
            "classes without a size",
            value=", ".join(missing),
            remedy="add --size CLASS=...px for each, or --size auto to estimate them from the images",
        )
    return {name: sizes.get(name) for name in classes}


def _parse_size(name: str, text: str, pixel_size_um: float | None) -> float | None:
    if text == "auto":
        return None
    match = _SIZE.fullmatch(text)
    if match is None or float(match["number"]) <= 0:
        raise BankError(f"size of {name!r} cannot be read", value=text, remedy=_HOW)
    number = float(match["number"])
    if (match["unit"] or "px").lower() == "px":
        return number
    if pixel_size_um is None or pixel_size_um <= 0:
        raise BankError(
            f"size of {name!r} is in micrometres",
            value=text,
            remedy="give the pixel size: --pixel-size-um 0.07",
        )
    return round(number / pixel_size_um, 6)
