"""A split for images whose file names none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from synthmed.errors import ProblemLog

VAL_SHARE = 0.2
_VAL_BELOW = VAL_SHARE * 2**64


def default_splits(images: Sequence[str], groups: Sequence[str]) -> tuple[str, ...]:
    """Share images out to train and val, about 80 to 20, whole groups at a time.

    A group (an image without one is its own group) goes to val where the SHA-256 of its name, as a share of
    the largest hash, is below 20 %. So each image's split depends on its own name alone, and stays as images
    are added. Only where there are two groups or more and one split would be empty, the group with the
    smallest hash goes to val, or the one with the largest to train.

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
    hashes = {key: _hash(key) for key in keys}
    if len(hashes) < 2:
        return ("train",) * len(keys)
    val = {key for key, value in hashes.items() if value < _VAL_BELOW}
    if not val:
        val = {min(hashes, key=hashes.__getitem__)}
    elif len(val) == len(hashes):
        val.remove(max(hashes, key=hashes.__getitem__))
    return tuple("val" if key in val else "train" for key in keys)


def noted_splits(
    images: Sequence[str], groups: Sequence[str], *, file: object, log: ProblemLog
) -> tuple[str, ...]:
    """`default_splits`, with a note of what was chosen for the images of a file."""
    splits = default_splits(images, groups)
    counts = ", ".join(f"{splits.count(word)} images {word}" for word in ("train", "val"))
    log.note(f"{file} names no splits; by the hash of their names: {counts}")
    return splits


def _hash(key: tuple[str, str]) -> int:
    """The first 64 bits of the SHA-256."""
    digest = hashlib.sha256("/".join(key).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")
