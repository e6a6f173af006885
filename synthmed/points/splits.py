"""A split for images whose file names none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

VAL_SHARE = 0.2


def default_splits(images: Sequence[str], groups: Sequence[str]) -> tuple[str, ...]:
    """Share images out to train and val, about 80 to 20, whole groups at a time.

    Groups (an image without one is its own group) are ordered by the SHA-256 of their name, and each goes to
    val where that brings the share of val images closer to 20 %. So the result depends on the names alone,
    not on their order, and where there are two groups or more both splits have at least one image.

    Args:
        images: the name of each image.
        groups: the slide or patient of each image, ``""`` where unknown.

    Returns:
        ``"train"`` or ``"val"`` for each image.

    Examples:
        >>> default_splits([], [])
        ()
        >>> default_splits(["a.png"], [""])
        ('train',)
        >>> default_splits(["a.png", "b.png", "c.png", "d.png"], ["s1", "s1", "s2", "s2"])
        ('train', 'train', 'val', 'val')
    """
    # A group and an image may share a name, so the kind goes into the key.
    keys = [
        ("group", group) if group else ("image", image) for image, group in zip(images, groups, strict=True)
    ]
    sizes: dict[tuple[str, str], int] = {}
    for key in keys:
        sizes[key] = sizes.get(key, 0) + 1
    ordered = sorted(sizes, key=_hash)
    if len(ordered) < 2:
        return ("train",) * len(keys)
    target, taken = VAL_SHARE * len(keys), 0
    val = set()
    for key in ordered:
        if abs(taken + sizes[key] - target) < abs(taken - target):
            val.add(key)
            taken += sizes[key]
    if not val:
        val.add(min(ordered, key=lambda key: sizes[key]))
    return tuple("val" if key in val else "train" for key in keys)


def _hash(key: tuple[str, str]) -> bytes:
    return hashlib.sha256("/".join(key).encode("utf-8", "surrogatepass")).digest()
