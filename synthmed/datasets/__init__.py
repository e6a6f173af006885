"""What is written: rendered scenes as a folder or objects that others can read."""

from synthmed.datasets.formats import all_formats
from synthmed.datasets.manifest import RenderReport, read_manifest, read_report
from synthmed.datasets.mixing import Mix, choose_pool
from synthmed.datasets.render import render_dataset

__all__ = [
    "Mix",
    "RenderReport",
    "all_formats",
    "choose_pool",
    "read_manifest",
    "read_report",
    "render_dataset",
]
