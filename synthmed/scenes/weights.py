"""Weights of classes and of patches: what a series of scenes shows more of, and what less."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from synthmed._compiled import compiled
from synthmed.bank.patchbank import PatchBank
from synthmed.errors import RecipeError
from synthmed.scenes.recipe import CountsRecipe

_NAMED = 5
"""So many unknown names are told."""


def class_weights(bank: PatchBank, counts: CountsRecipe) -> NDArray[np.float64]:
    """The weight of each class, ``(C,)``; 0 for those without a patch.

    Raises:
        RecipeError: a class is not in the bank, or none is left that has a patch.
    """
    require_classes("counts.class_weights", counts.class_weights, bank)
    given = np.array([counts.class_weights.get(name, 1.0) for name in bank.classes])
    weights = np.where(bank.pool_sizes > 0, given, 0.0)
    if counts.class_weights and not weights.any():
        raise RecipeError(
            "counts.class_weights leave no class that has a patch",
            remedy="give one of them a weight above 0",
        )
    return weights


def require_classes(field: str, names: Iterable[str], bank: PatchBank) -> None:
    """Make sure that a bank has all classes that a field of the recipe names.

    Raises:
        RecipeError: it does not.
    """
    unknown = sorted(set(names) - set(bank.classes))
    if unknown:
        raise RecipeError(
            f"{field} names classes that the bank does not have",
            value=", ".join(unknown),
            remedy=f"the bank has {', '.join(bank.classes)}",
        )


def patch_chances(bank: PatchBank, counts: CountsRecipe) -> NDArray[np.float64]:
    """The chances of the patches that scenes draw from, added up; none where all are alike.

    Returns:
        One value for each of `PatchBank.pooled`: the label, plus the share of its class's weight that it and
        those before it have. A random number between label and label + 1 so falls on a patch of the label.

    Raises:
        RecipeError: a weight is that of a point that the bank does not know, or those of a class are all 0.
    """
    if not counts.patch_weights:
        return np.zeros(0)
    _require_points(counts, bank)
    keys = zip(bank.source_images.tolist(), bank.annotation_ids.tolist(), strict=True)
    nothing: dict[str, float] = {}
    given = [counts.patch_weights.get(image, nothing).get(point, 1.0) for image, point in keys]
    weights = np.array(given)[bank.pooled]
    chances = np.empty(len(weights))
    end = 0
    for label, size in enumerate(bank.pool_sizes.tolist()):
        begin, end = end, end + size
        own = weights[begin:end]
        if not size:
            continue
        if not own.any():
            raise RecipeError(
                f"counts.patch_weights give all patches of {bank.classes[label]!r} the weight 0",
                remedy=f"to leave the class out set counts.class_weights: {{{bank.classes[label]}: 0}}",
            )
        chances[begin:end] = label + added_up(own)
    return chances


def added_up(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of some weights that each of them and those before it have; not all are 0.

    Examples:
        >>> added_up(np.array([0.0, 3.0, 1.0, 0.0]))
        array([0.  , 0.75, 1.  , 1.  ])
    """
    shares: NDArray[np.float64] = np.cumsum(weights) / weights.sum()
    # Rounding may end a little below one, and must not leave that to a weight of 0.
    shares[np.flatnonzero(weights)[-1] :] = 1
    return shares


def _require_points(counts: CountsRecipe, bank: PatchBank) -> None:
    """Refuse points that were never clicked; those that merely gave no patch are no mistake."""
    images = np.array(bank.images, dtype=str)[bank.clicks.image_index]
    known = set(zip(images.tolist(), bank.clicks.annotation_ids.tolist(), strict=True))
    known |= set(zip(bank.source_images.tolist(), bank.annotation_ids.tolist(), strict=True))
    asked = ((image, point) for image, points in counts.patch_weights.items() for point in points)
    unknown = [f"{image}: {point}" for image, point in asked if (image, point) not in known]
    if unknown:
        raise RecipeError(
            f"counts.patch_weights names {len(unknown)} point(s) that the bank does not know",
            value=", ".join(unknown[:_NAMED]),
            remedy="patches are named by the columns image and annotation_id of the bank's patches.csv",
        )


def draw_patches(
    bank: PatchBank, counts: CountsRecipe, labels: NDArray[np.int64], drawn: NDArray[np.float64]
) -> NDArray[np.int64]:
    """A random patch of the pool of each label, ``(M,)``.

    Args:
        bank: the bank.
        counts: tells the weights.
        labels: ``(M,)``, the class of each object.
        drawn: ``(M,)`` from [0, 1), random.

    Raises:
        RecipeError: the weights of patches do not fit the bank.
    """
    chances = bank.prepared(patch_chances, counts)
    return np.asarray(_picked(bank.pooled, bank.pool_sizes, chances, labels, drawn))


@compiled
def _picked(
    pooled: NDArray[np.int64],
    pool_sizes: NDArray[np.int64],
    chances: NDArray[np.float64],
    labels: NDArray[np.int64],
    drawn: NDArray[np.float64],
) -> NDArray[np.int64]:
    """The patches on which some random numbers fall; see `draw_patches` and `patch_chances`."""
    starts = np.cumsum(pool_sizes) - pool_sizes
    picked = np.empty_like(labels)
    for k in range(len(labels)):
        label = labels[k]
        if len(chances):
            at = min(label + drawn[k], np.nextafter(label + 1.0, 0.0))
            picked[k] = pooled[np.searchsorted(chances, at, side="right")]
        else:
            picked[k] = pooled[starts[label] + int(drawn[k] * pool_sizes[label])]
    return picked
