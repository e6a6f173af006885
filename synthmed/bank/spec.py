"""`BankSpec`: everything that decides which patches are cut, and how, as validated data."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from synthmed.errors import BankError, first_complaint


class BankSpec(BaseModel):
    """How patches are cut round the centres.

    Attributes:
        sizes_px: the side of each class in pixels of the source images.
        variation: each side is drawn from ``size * (1 - variation .. 1 + variation)``. It regularises, at
            the price of now and then cutting off a part of the object (arXiv 2308.04687).
        border: what happens to a patch that crosses the border of its image: ``drop`` it, ``shift`` the sides
            that leave the image to its border, so that patch and box end there, or ``pad`` it with the local
            background (which the matte then leaves out). In all cases the matte stays round the click.
            ``drop`` also drops objects that the source marks as ``edge``; otherwise they are kept and noted
            as ``truncated``, and scenes show them only where a class has no whole object.
        matte: ``halo`` keeps the segmented object and lets its surroundings fade out, ``segmented`` keeps the
            object alone, ``round`` the ellipse inscribed in the patch with a soft edge, ``square`` the whole
            patch. The first two follow the outline of each object, in a patch that fits it; one that cannot
            be segmented, and for ``halo`` one that touches others, is taken for a disc of its class's size.
        feather: width of the soft edge of a round or segmented matte, as a share of its radius.
        recenter: whether a patch is cut round the centroid of the segmented object instead of the click.
        min_contrast: patches whose contrast is below this many standard deviations of the background's noise
            are dropped: nothing is there.
        min_focus: patches less sharp than this share of the median of their class are dropped.
        min_solidity: segmented objects that are less convex than this share of the median of their class are
            dropped: a neighbour hides a part of them.
        keep_duplicates: whether patches that show the same pixels as an earlier one are kept.
        backdrops: how many images, chosen at random, the bank also keeps without their objects, as canvases.
        distractors: how many pieces of images without any click, debris where there is some, the bank keeps
            at most, to be pasted without a label.
        seed: seed of the size variation and of the choice of backdrops and distractors.
        splits: the splits that may be cut. Any other than ``train`` leaks what is evaluated on.
        allow_groups: groups (slides, patients) that may be cut although they occur in another split too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes_px: dict[str, float]
    variation: float = Field(default=0.1, ge=0, lt=1)
    border: Literal["drop", "shift", "pad"] = "drop"
    matte: Literal["halo", "segmented", "round", "square"] = "halo"
    feather: float = Field(default=0.15, gt=0, le=1)
    recenter: bool = False
    min_contrast: float = Field(default=1.0, ge=0)
    min_focus: float = Field(default=0.0, ge=0)
    min_solidity: float = Field(default=0.9, ge=0)
    keep_duplicates: bool = False
    backdrops: int = Field(default=64, ge=0, le=10_000)
    distractors: int = Field(default=64, ge=0, le=10_000)
    seed: int = Field(default=0, ge=0)
    splits: tuple[str, ...] = ("train",)
    allow_groups: tuple[str, ...] = ()

    @property
    def follows_outline(self) -> bool:
        """Whether patches have the extents of their objects instead of those of their class."""
        return self.matte in ("halo", "segmented")

    @field_validator("sizes_px")
    @classmethod
    def _sizes_are_lengths(cls, sizes: dict[str, float]) -> dict[str, float]:
        for name, size in sizes.items():
            if not 3 <= size <= 10_000:
                raise ValueError(f"size of {name!r} is {size:g} px, which is not between 3 and 10000")
        return sizes


def make_spec(**values: Any) -> BankSpec:
    """A spec from plain values.

    Raises:
        BankError: a value is not one that the field can have; the message names the field.
    """
    try:
        return BankSpec.model_validate(values)
    except ValidationError as error:
        what, value = first_complaint(error)
        raise BankError(what, value=value) from error
