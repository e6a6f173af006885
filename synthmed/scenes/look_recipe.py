"""The parts of a recipe that say how objects and whole scenes vary in looks."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from synthmed.scenes.recipe_part import Part

_REPLACED = {
    "quarter_turns": "is now objects.rotation: write rotation: quarter for true, and none for false",
    "matte": "is now objects.blend: write blend: matte for bank, and blend: hard for hard",
}

_LARGEST_BLUR_PX = 50.0

Share = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(ge=0, lt=1)]
BlurPx = Annotated[float, Field(ge=0, le=_LARGEST_BLUR_PX)]


def _check_jitter(jitter: object) -> object:
    # One sentence instead of pydantic's two complaints about a union.
    if jitter == "natural":
        return jitter
    if isinstance(jitter, int | float) and not isinstance(jitter, bool) and 0 <= jitter < 1:
        return jitter
    raise ValueError("neither 'natural' nor a number from 0 to below 1")


class ObjectsRecipe(Part):
    """What happens to each patch before it is pasted.

    Of the last four, the strengths, each object draws its own, up to the value given; 0 switches one off.

    Attributes:
        flips: whether patches are mirrored at random.
        rotation: ``quarter`` turns patches by multiples of 90 degrees at random, ``any`` by any angle,
            ``none`` not at all.
        size_jitter: each object is resized by a factor from ``1 - size_jitter .. 1 + size_jitter``;
            ``natural`` draws it as the sizes of its class vary in the bank.
        blend: ``matte`` blends with the matte of the bank, ``hard`` pastes the whole rectangle, ``poisson``
            blends with the matte after the light and colour of the canvas all round the patch were continued
            into it.
        match_background: whether a patch is shifted in colour so that its surroundings fit the canvas;
            ``poisson`` does so anyway.
        brightness: added to the patch, up or down, as a share of white. Its surroundings get it too.
        contrast: the difference from the patch's background is multiplied by
            ``1 - contrast .. 1 + contrast``.
        stain: the optical density over the patch's background is multiplied by ``1 - stain .. 1 + stain``, in
            red, green and blue apart.
        blur_px: standard deviation of a Gaussian blur of patch and matte, in pixels of the scene.
    """

    flips: bool = True
    rotation: Literal["quarter", "any", "none"] = "quarter"
    size_jitter: Annotated[Literal["natural"] | float, BeforeValidator(_check_jitter)] = 0.1
    blend: Literal["matte", "hard", "poisson"] = "matte"
    match_background: bool = True
    brightness: Share = 0.0
    contrast: Factor = 0.0
    stain: Factor = 0.0
    blur_px: BlurPx = 0.0

    @model_validator(mode="before")
    @classmethod
    def _tell_of_replaced_fields(cls, values: Any) -> Any:
        for name, instead in _REPLACED.items():
            if isinstance(values, dict) and name in values:
                raise ValueError(f"{name} {instead}")
        return values


class FinishRecipe(Part):
    """What happens to the whole scene after the objects were pasted; the labels stay as they are.

    Of the strengths below each scene draws its own, uniformly up to the value given here; 0 switches one off.
    They come in this order: specimen, light, optics, sensor, file.

    Attributes:
        brightness: added, up or down, as a share of white.
        contrast: the difference from the canvas's colour is multiplied by
            ``1 - contrast .. 1 + contrast``.
        stain: the optical density over the canvas's colour is multiplied by ``1 - stain .. 1 + stain``, in
            red, green and blue apart.
        illumination: a slope of the light from one side to the other, and its loss towards the corners, each
            as a share of the light.
        blur_px: standard deviation of a Gaussian blur in pixels.
        noise: standard deviation in grey levels: of noise that is the same everywhere, and of shot noise on
            white, whose variance is proportional to the light.
        jpeg_quality: lowest and highest quality of a JPEG that the scene goes through, 1 to 100; ``null`` for
            none.
    """

    brightness: Share = 0.0
    contrast: Factor = 0.0
    stain: Factor = 0.0
    illumination: Share = 0.0
    blur_px: BlurPx = 0.0
    noise: Annotated[float, Field(ge=0, le=100)] = 0.0
    jpeg_quality: tuple[Annotated[int, Field(ge=1, le=100)], Annotated[int, Field(ge=1, le=100)]] | None = (
        None
    )

    @model_validator(mode="after")
    def _qualities_are_in_order(self) -> FinishRecipe:
        if self.jpeg_quality is not None and self.jpeg_quality[0] > self.jpeg_quality[1]:
            raise ValueError("jpeg_quality is the lowest, then the highest quality")
        return self

    @cached_property
    def is_on(self) -> bool:
        """Whether anything happens at all."""
        return self != FinishRecipe()
