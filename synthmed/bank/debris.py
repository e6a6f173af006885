"""Cut distractors where no click lies: debris that stands out of the background, or a piece of background."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthmed.bank.background import Background
from synthmed.bank.contrast import contrast_map
from synthmed.bank.cut import local_background
from synthmed.bank.distractors import NO_DISTRACTORS, Distractors
from synthmed.bank.emptied import ClickedObjects
from synthmed.bank.matte import edge_px, round_matte, segmented_matte
from synthmed.bank.segment import MATTE_CUT, contrast_floor
from synthmed.bank.spec import BankSpec
from synthmed.points.regions import Block

_LARGEST_SHARE = 1.5
"""Extent of the largest distractor, per side of the largest class."""

_SMALLEST_SHARE = 0.25
"""Extent of the smallest one, per side of the smallest class: what is smaller nobody takes for an object."""

_SMALLEST_PX = 3
"""The same in pixels; what is smaller is noise."""

_TRIES = 24
"""Random places that are tried for a piece of background."""

_LEAST_NOISES = 6.0
"""Contrast from which on something stands out, in standard deviations of the background."""


class _Piece(NamedTuple):
    """One distractor, and how much it is wanted: those that stand out before all others."""

    rank: float
    pixels: NDArray[np.uint8]
    matte: NDArray[np.uint8]
    center_px: NDArray[np.float64]
    background: NDArray[np.float64]
    stands_out: bool


class DistractorBuilder:
    """Collects the distractors of some of the images that a bank is built from.

    Args:
        images: how many images there are.
        spec: how many distractors are wanted, the soft edge of their mattes, and the seed.
    """

    def __init__(self, images: int, spec: BankSpec) -> None:
        self._rng = np.random.default_rng([spec.seed, 2])
        self._spec = spec
        self._chosen = set(self._rng.permutation(images)[: spec.distractors].tolist())
        self._per_image = -(-spec.distractors // max(1, len(self._chosen)))
        self._pieces: dict[int, list[_Piece]] = {}

    def add(
        self,
        image_index: int,
        block: Block,
        objects: ClickedObjects,
        background: Background,
    ) -> None:
        """Cut distractors of an image or of a block of it, if it is among those chosen.

        Args:
            image_index: its number.
            block: the image, or a part of it.
            objects: those on the block.
            background: of the image.
        """
        if image_index not in self._chosen:
            return
        # No more than the core is sure to be free: beyond it clicks may be unknown.
        core = np.s_[block.core_px[0, 0] : block.core_px[1, 0], block.core_px[0, 1] : block.core_px[1, 1]]
        image, low_px = block.image[core], block.core_px[0]
        taken = objects.taken[core]
        sides_px = np.array(sorted(set(self._spec.sizes_px.values())))
        windows = debris_windows(image, taken, background, sides_px, self._spec.feather)
        self._rng.shuffle(windows)
        found = [(window, matte, True) for window, matte in windows[: self._per_image]]
        for _ in range(self._per_image - len(found)):
            place = free_place(taken, sides_px, self._rng)
            if place is not None:
                side = place[0].stop - place[0].start
                found.append((place, round_matte((side, side), self._spec.feather), False))
        pieces = self._pieces.setdefault(image_index, [])
        for window, matte, stands_out in found:
            low, high = (np.array(ends) for ends in zip(*((p.start, p.stop) for p in window), strict=True))
            pieces.append(
                _Piece(
                    rank=float(self._rng.random()) + stands_out,
                    pixels=np.array(image[window]),
                    matte=matte,
                    center_px=(low + high) / 2 + low_px + block.corner_px,
                    background=local_background(image, low, high, background),
                    stands_out=stands_out,
                )
            )
        # Of many blocks the best are kept, each as likely as any other of its kind.
        self._pieces[image_index] = sorted(pieces, key=lambda piece: -piece.rank)[: self._per_image]

    def distractors(self) -> Distractors:
        """The distractors so far, no more than are wanted."""
        pairs = [(index, piece) for index, pieces in self._pieces.items() for piece in pieces]
        best = sorted(range(len(pairs)), key=lambda k: -pairs[k][1].rank)[: self._spec.distractors]
        pairs = [pairs[k] for k in sorted(best)]
        if not pairs:
            return NO_DISTRACTORS
        return Distractors(
            pixels=np.concatenate([piece.pixels.reshape(-1, 3) for _, piece in pairs]),
            mattes=np.concatenate([piece.matte.ravel() for _, piece in pairs]),
            shapes_px=np.array([piece.matte.shape for _, piece in pairs], dtype=np.int64),
            image_index=np.array([index for index, _ in pairs], dtype=np.int64),
            centers_px=np.array([piece.center_px for _, piece in pairs]),
            backgrounds=np.array([piece.background for _, piece in pairs]),
            stands_out=np.array([piece.stands_out for _, piece in pairs]),
        )


def debris_windows(
    image: NDArray[np.uint8],
    taken: NDArray[np.bool_],
    background: Background,
    sides_px: NDArray[np.float64],
    feather: float,
) -> list[tuple[tuple[slice, ...], NDArray[np.uint8]]]:
    """Windows round what stands out of the background and touches neither an object nor the border.

    Args:
        image: ``(H, W, 3)`` uint8.
        taken: ``(H, W)`` bool, what belongs to clicked objects.
        background: of the image.
        sides_px: the sides of all classes.
        feather: width of the soft edge of mattes, as a share of the radius.

    Returns:
        Pairs of the window and the matte ``(h, w)`` uint8 of what is in it.
    """
    contrast = np.abs(contrast_map(image, background))
    floor = max(contrast_floor(contrast, background.noise, MATTE_CUT), _LEAST_NOISES * background.noise)
    labels, count = ndimage.label(contrast > floor)
    touching = np.zeros(count + 1, dtype=bool)
    touching[np.unique(labels[taken])] = True
    windows = []
    smallest_px = max(_SMALLEST_PX, _SMALLEST_SHARE * sides_px.min())
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        extents = [part.stop - part.start for part in place]
        if touching[number] or not smallest_px <= max(extents) <= _LARGEST_SHARE * sides_px.max():
            continue
        mask = ndimage.binary_fill_holes(labels[place] == number)
        room = int(np.ceil(edge_px(mask, feather) / 2)) + 1
        window = tuple(slice(part.start - room, part.stop + room) for part in place)
        inside = all(p.start >= 0 and p.stop <= n for p, n in zip(window, taken.shape, strict=True))
        if inside and mask.sum() >= _SMALLEST_PX**2 and not taken[window].any():
            mask = np.pad(mask, room)
            others = (labels[window] > 0) & ~mask
            windows.append((window, segmented_matte(mask, others, feather)))
    return windows


def free_place(
    taken: NDArray[np.bool_], sides_px: NDArray[np.float64], rng: np.random.Generator
) -> tuple[slice, ...] | None:
    """A random square, of the side of a random class, that touches no object; ``None`` where none is found.

    Args:
        taken: ``(H, W)`` bool, what belongs to clicked objects.
        sides_px: the sides of all classes.
        rng: source of randomness.
    """
    side = max(_SMALLEST_PX, round(float(rng.choice(sides_px))))
    room_px = np.array(taken.shape) - side
    if (room_px < 0).any():
        return None
    for low in rng.integers(0, room_px + 1, size=(_TRIES, 2)).tolist():
        window = tuple(slice(start, start + side) for start in low)
        if not taken[window].any():
            return window
    return None
