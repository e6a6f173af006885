"""What is composed: a recipe is drawn into plans, and a plan is rendered into a scene."""

from synthmed.scenes.plan import Plan, draw_plan, scene_scale
from synthmed.scenes.recipe import (
    CanvasRecipe,
    CountsRecipe,
    ObjectsRecipe,
    PlacementRecipe,
    Recipe,
    make_recipe,
    read_recipe,
    recipe_to_yaml,
    with_size,
)
from synthmed.scenes.render import Scene, render

__all__ = [
    "CanvasRecipe",
    "CountsRecipe",
    "ObjectsRecipe",
    "PlacementRecipe",
    "Plan",
    "Recipe",
    "Scene",
    "draw_plan",
    "make_recipe",
    "read_recipe",
    "recipe_to_yaml",
    "render",
    "scene_scale",
    "with_size",
]
