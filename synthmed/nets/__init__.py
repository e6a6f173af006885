"""What registers in MMDetection; ``custom_imports = dict(imports=["synthmed.nets"])`` brings it in.

Importing this package costs PyTorch and MMDetection, so nothing else of synthmed imports it at its top.
"""

from synthmed.nets.cam_classifier import CAMClassifier, image_cam
from synthmed.nets.checkpoints import allow_mmengine_checkpoints, load_checkpoint
from synthmed.nets.darknet19 import Darknet19
from synthmed.nets.precision import BFloat16OptimWrapper, ChannelsLastHook
from synthmed.nets.yolov2_head import YOLOv2Head

__all__ = [
    "BFloat16OptimWrapper",
    "CAMClassifier",
    "ChannelsLastHook",
    "Darknet19",
    "YOLOv2Head",
    "allow_mmengine_checkpoints",
    "image_cam",
    "load_checkpoint",
]

allow_mmengine_checkpoints()
