"""`Recipe`: everything that decides what a scene looks like, as validated data (YAML in, YAML out)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from synthmed.errors import RecipeError, first_complaint
from synthmed.points.parsed import parse_yaml
from synthmed.scenes.look_recipe import FinishRecipe, ObjectsRecipe
from synthmed.scenes.recipe_part import Part

_MAX_BYTES = 2**20

Color = tuple[
    Annotated[int, Field(ge=0, le=255)],
    Annotated[int, Field(ge=0, le=255)],
    Annotated[int, Field(ge=0, le=255)],
]


def _check_scale(scale: object) -> object:
    # One sentence instead of pydantic's two complaints about a union.
    if scale == "fit":
        return scale
    if isinstance(scale, int | float) and not isinstance(scale, bool) and 0.01 <= scale <= 100:
        return scale
    raise ValueError("neither 'fit' nor a number from 0.01 to 100")


def _check_id(value: object) -> object:
    # YAML reads 012 as the number ten; which text was meant cannot be told any more.
    if isinstance(value, str):
        return value
    raise ValueError("annotation ids are text: write them in quotes")


Weight = Annotated[float, Field(ge=0, le=1_000_000)]
AnnotationId = Annotated[str, BeforeValidator(_check_id)]


class CanvasRecipe(Part):
    """What the objects are pasted on.

    Attributes:
        size_px: height and width of the scene.
        kind: ``backdrop`` shows a part of a random source image without its objects, ``illumination`` has
            only the smooth light of that part, ``background`` has the background colour of a random source
            image, ``fixed`` gives all scenes the one `color`. On a backdrop lies everything that was not
            clicked; where clicks are not exhaustive choose ``illumination`` or ``background``, or objects
            without a label come along.
        color: red, green, blue of a ``fixed`` canvas.
        noise: whether an ``illumination`` or a ``background`` canvas also has the noise of that image.
        like_counts: whether, with ``joint`` counts, that image is the one that gave the counts, or where it
            has no backdrop, one of those most like it: classes that go with the stain of a slide stay on
            their light. Otherwise it is any image.
    """

    size_px: tuple[Annotated[int, Field(ge=8, le=16384)], Annotated[int, Field(ge=8, le=16384)]] = (416, 416)
    kind: Literal["backdrop", "illumination", "background", "fixed"] = "backdrop"
    color: Color = (255, 255, 255)
    noise: bool = True
    like_counts: bool = True


class CountsRecipe(Part):
    """How many objects of each class a scene asks for, and which patches show them.

    Attributes:
        kind: ``joint`` takes the counts of a random source image, all classes together (the method's paper),
            ``decorrelated`` makes each class present or absent on its own and takes its count from a random
            image that has it, so that no class predicts another, ``balanced`` takes how many objects a random
            image has in all and draws the class of each, all with the same chance, ``fixed`` takes `fixed`.
        balanced_share: in so many of the scenes the classes of all objects are drawn anew, with the same
            chance each (``joint``), so that rare classes are learned too.
        presence: the probability that a class is present (``decorrelated``).
        spread: a present class's count is multiplied by a factor drawn log-uniformly from
            ``1 / spread .. spread`` (``decorrelated``).
        by_area: whether drawn counts are scaled by the area of the canvas, so that density stays that of the
            source images.
        class_weights: how much of a class is shown; 1 where it is not named, and 0 leaves it out. Where
            ``joint`` or ``decorrelated`` the count of a class is multiplied by it and the others stay as they
            are; where ``balanced`` it is the chance of the class beside those of the others.
        patch_weights: the chance of a patch beside the others of its class, by source image and
            annotation id; 1 where it is not named, and 0 leaves it out.
        fixed: objects per class (``fixed``).
    """

    kind: Literal["joint", "decorrelated", "balanced", "fixed"] = "joint"
    presence: float = Field(default=0.5, ge=0, le=1)
    balanced_share: float = Field(default=0.5, ge=0, le=1)
    spread: float = Field(default=2.0, ge=1, le=100)
    by_area: bool = True
    class_weights: dict[str, Weight] = Field(default_factory=dict)
    patch_weights: dict[str, dict[AnnotationId, Weight]] = Field(default_factory=dict)
    fixed: dict[str, Annotated[int, Field(ge=0, le=1_000_000)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fixed_counts_are_given(self) -> CountsRecipe:
        if self.kind == "fixed" and not self.fixed:
            raise ValueError("kind is 'fixed', but fixed names no class")
        if self.kind == "fixed" and self.class_weights:
            raise ValueError("kind is 'fixed', so that class_weights would change nothing; change fixed")
        return self


class PlacementRecipe(Part):
    """Where objects may lie.

    Attributes:
        kind: ``uniform`` places are as likely as any other, ``clustered`` ones bring the distance from each
            object to its nearest neighbour near that of its class on source images as crowded as the scene.
        overlap: what `max_overlap` limits: where ``smaller`` the intersection of two boxes as a share of the
            smaller one, where ``iou`` as a share of their union, and where ``visible`` how much of its box an
            object may lose to all others together, whichever of them are painted over it.
        max_overlap: the limit.
        max_truncation: the largest share of a box that may lie outside the canvas.
        min_visible: an object of which less can be seen, others being painted over it or the border cutting
            it, is not painted at all; as a share of the pixels of the whole object.
        tries: random positions tried for an object before it is given up.
    """

    kind: Literal["uniform", "clustered"] = "uniform"
    overlap: Literal["smaller", "iou", "visible"] = "smaller"
    max_overlap: float = Field(default=0.25, ge=0, le=1)
    max_truncation: float = Field(default=0.5, ge=0, lt=1)
    min_visible: float = Field(default=0.0, ge=0, le=1)
    tries: int = Field(default=64, ge=1, le=256)


class DistractorsRecipe(Part):
    """What is pasted beneath the objects without a label.

    Attributes:
        per_scene: the fewest and the most distractors of a scene. They are pieces of train images on which no
            click lies; where clicks are not exhaustive an object may be among them.
    """

    per_scene: tuple[Annotated[int, Field(ge=0, le=10_000)], Annotated[int, Field(ge=0, le=10_000)]] = (0, 0)

    @model_validator(mode="after")
    def _are_in_order(self) -> DistractorsRecipe:
        if self.per_scene[0] > self.per_scene[1]:
            raise ValueError("per_scene is the fewest, then the most")
        return self


class Recipe(Part):
    """Everything that decides what a scene looks like; ``Recipe()`` is the default.

    Attributes:
        canvas: what the objects are pasted on.
        counts: how many objects of each class.
        placement: where they may lie.
        objects: what happens to each patch.
        distractors: what lies beneath them without a label.
        finish: what happens to the whole scene after that.
        scale: scene pixels per source pixel. ``fit`` shows objects at the size that a source image has when
            it is resized to fit the canvas, which is how real images are shown to a network.
    """

    canvas: CanvasRecipe = CanvasRecipe()
    counts: CountsRecipe = CountsRecipe()
    placement: PlacementRecipe = PlacementRecipe()
    objects: ObjectsRecipe = ObjectsRecipe()
    distractors: DistractorsRecipe = DistractorsRecipe()
    finish: FinishRecipe = FinishRecipe()
    scale: Annotated[Literal["fit"] | float, BeforeValidator(_check_scale)] = "fit"


def make_recipe(values: dict[str, Any], *, file: Path | None = None) -> Recipe:
    """A recipe from plain data.

    Raises:
        RecipeError: a field is unknown or has a value it cannot have; the message names it.
    """
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        what, value = first_complaint(error)
        raise RecipeError(
            what,
            file=file,
            value=value,
            remedy="`synthmed recipe` prints the default recipe with every field",
        ) from error


def read_recipe(path: Path | str) -> Recipe:
    """Read a recipe from a YAML file.

    Raises:
        RecipeError: the file cannot be read, or is no valid recipe.
    """
    path = Path(path)
    remedy = "`synthmed recipe` prints the default recipe with every field"
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES // 1024} KiB")
        values = parse_yaml(data.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"the recipe cannot be read: {error}", file=path, remedy=remedy) from error
    if not isinstance(values, dict | None):
        raise RecipeError(
            "a recipe is a mapping of fields", file=path, value=type(values).__name__, remedy=remedy
        )
    return make_recipe(values or {}, file=path)


def recipe_to_yaml(recipe: Recipe) -> str:
    """The recipe with every field, as YAML that `read_recipe` reads back."""
    return str(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))


def with_size(recipe: Recipe, size_px: int | tuple[int, int]) -> Recipe:
    """The same recipe on a canvas of another size.

    Args:
        recipe: the recipe.
        size_px: height and width, or the side of a square.

    Raises:
        RecipeError: a canvas cannot have that size.
    """
    values = recipe.model_dump()
    values["canvas"]["size_px"] = (size_px, size_px) if isinstance(size_px, int) else size_px
    return make_recipe(values)
