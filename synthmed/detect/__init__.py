"""Detection in images of any size, whatever the network runs on: scale, tiles, merging, files; no PyTorch."""

from synthmed.detect.files import ImageFile, find_images
from synthmed.detect.look import Found, LookOptions, look_at
from synthmed.detect.merge import merge_tiles
from synthmed.detect.model import Detector, ModelFacts
from synthmed.detect.onnx_model import OnnxModel
from synthmed.detect.peaks import PeakDetector
from synthmed.detect.run import Outputs, Report, detect_images, least_scores
from synthmed.detect.tiles import Tile, plan_tiles

__all__ = [
    "Detector",
    "Found",
    "ImageFile",
    "LookOptions",
    "ModelFacts",
    "OnnxModel",
    "Outputs",
    "PeakDetector",
    "Report",
    "Tile",
    "detect_images",
    "find_images",
    "least_scores",
    "look_at",
    "merge_tiles",
    "plan_tiles",
]
