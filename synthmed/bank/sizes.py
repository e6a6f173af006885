"""Class sizes as people write them: ``RBC=103px``, ``RBC=7.5um`` or ``RBC=auto``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from synthmed.errors import BankError

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?P<unit>px|um|µm|μm)?", re.IGNORECASE)
_HOW = "write CLASS=103px, CLASS=7.5um (with the pixel size: --pixel-size-um 0.07) or CLASS=auto"


def parse_sizes(
    texts: Sequence[str], classes: Sequence[str], pixel_size_um: float | None = None
) -> dict[str, float | None]:
    """Read class sizes.

    A class that is not named is ``auto``, and a bare ``auto`` says no more than that.

    Args:
        texts: entries such as ``"RBC=103px"``, ``"WBC=12um"``, ``"Platelet=auto"``, ``"auto"``.
        classes: the classes that need a size.
        pixel_size_um: the side of a pixel in micrometres, for sizes in ``um``.

    Returns:
        The side in pixels per class, in the order of ``classes``; ``None`` where it is to be estimated.

    Raises:
        BankError: an entry is malformed or names an unknown class, a class has two sizes, or a unit needs the
            pixel size.

    Examples:
        >>> parse_sizes(["RBC=103px", "WBC=12um"], ["RBC", "WBC", "Platelet"], pixel_size_um=0.06)
        {'RBC': 103.0, 'WBC': 200.0, 'Platelet': None}
    """
    sizes = read_sizes(texts, pixel_size_um)
    for name in sizes:
        if name not in classes:
            known = ", ".join(classes)
            raise BankError(
                "size of a class that has no points", value=name, remedy=f"the classes are: {known}"
            )
    return {name: sizes.get(name) for name in classes}


def read_sizes(texts: Sequence[str], pixel_size_um: float | None = None) -> dict[str, float | None]:
    """The same of the classes that are named, before it is known which ones there are.

    Raises:
        BankError: an entry is malformed, a class has two sizes, or a unit needs the pixel size.
    """
    sizes: dict[str, float | None] = {}
    if pixel_size_um is not None and not 0 < pixel_size_um < float("inf"):
        raise BankError(
            "the side of a pixel is not a positive number of micrometres",
            value=pixel_size_um,
            remedy="give that of the microscope, such as 0.07 (--pixel-size-um), or sizes in px",
        )
    for text in texts:
        if text.strip() == "auto":
            continue
        name, separator, value = text.rpartition("=")
        name = name.strip()
        if not separator:
            raise BankError("a class size needs a name and a value", value=text, remedy=_HOW)
        if name in sizes:
            raise BankError("a class has two sizes", value=name, remedy="name each class once")
        sizes[name] = _parse_size(name, value.strip(), pixel_size_um)
    return sizes


def _parse_size(name: str, text: str, pixel_size_um: float | None) -> float | None:
    if text == "auto":
        return None
    match = _SIZE.fullmatch(text)
    if match is None or float(match["number"]) <= 0:
        raise BankError(f"size of {name!r} cannot be read", value=text, remedy=_HOW)
    number = float(match["number"])
    if match["unit"] is None:
        digits = match["number"]
        raise BankError(
            f"size of {name!r} has no unit",
            value=text,
            remedy=f"write {name}={digits}px or {name}={digits}um",
        )
    if match["unit"].lower() == "px":
        return number
    if pixel_size_um is None:
        raise BankError(
            f"size of {name!r} is in micrometres",
            value=text,
            remedy="give the side of a pixel in micrometres, such as 0.07 (--pixel-size-um)",
        )
    return round(number / pixel_size_um, 6)
