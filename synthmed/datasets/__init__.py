"""What is written: rendered scenes as a folder that others can read."""

from synthmed.datasets.manifest import RenderReport, read_manifest, read_report
from synthmed.datasets.render import render_dataset

__all__ = ["RenderReport", "read_manifest", "read_report", "render_dataset"]
