"""The whole path once: points, bank, scenes, training, predictions beside CAMs, a table, pictures."""

from synthmed.demo.options import DemoOptions
from synthmed.demo.run import run_demo

__all__ = ["DemoOptions", "run_demo"]
