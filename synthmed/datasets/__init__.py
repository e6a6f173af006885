"""What is written: rendered scenes as a folder or objects that others can read."""

from synthmed.datasets.formats import all_formats
from synthmed.datasets.manifest import RenderReport, read_manifest, read_report
from synthmed.datasets.render import render_dataset

__all__ = ["RenderReport", "all_formats", "read_manifest", "read_report", "render_dataset"]
