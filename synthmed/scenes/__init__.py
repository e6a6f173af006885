"""What is composed: a recipe is drawn into plans, and a plan is rendered into a scene."""

from synthmed.scenes.crowding import count_unplaced, require_visible, unplaced_warnings
from synthmed.scenes.look_recipe import FinishRecipe, ObjectsRecipe
from synthmed.scenes.plan import Plan, draw_plan, scene_scale
from synthmed.scenes.recipe import (
    CanvasRecipe,
    CountsRecipe,
    DistractorsRecipe,
    PlacementRecipe,
    Recipe,
    make_recipe,
    read_recipe,
    recipe_to_yaml,
    with_size,
)
from synthmed.scenes.render import Scene, render
from synthmed.scenes.variation import spread_warnings

__all__ = [
    "CanvasRecipe",
    "CountsRecipe",
    "DistractorsRecipe",
    "FinishRecipe",
    "ObjectsRecipe",
    "PlacementRecipe",
    "Plan",
    "Recipe",
    "Scene",
    "count_unplaced",
    "draw_plan",
    "make_recipe",
    "read_recipe",
    "recipe_to_yaml",
    "render",
    "require_visible",
    "scene_scale",
    "spread_warnings",
    "unplaced_warnings",
    "with_size",
]
