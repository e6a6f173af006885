"""What all parts of a recipe have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a recipe: validated, unchangeable, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
