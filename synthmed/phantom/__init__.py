"""A simulated bright-field urine-sediment microscope, with exact truth."""

from synthmed.phantom.field import PhantomImage, simulate
from synthmed.phantom.slide import CLASSES, Slide, draw_slide
from synthmed.phantom.write import write_phantom

__all__ = ["CLASSES", "PhantomImage", "Slide", "draw_slide", "simulate", "write_phantom"]
