"""What registers in MMDetection; ``custom_imports = dict(imports=["synthmed.nets"])`` brings it in.

Importing this package costs PyTorch and MMDetection, so nothing else of synthmed imports it at its top.
"""

from synthmed.nets.adapt_batch_norm_hook import AdaptBatchNormHook
from synthmed.nets.box_metric import BoxMetric
from synthmed.nets.cam_classifier import CAMClassifier, image_cam
from synthmed.nets.cam_metric import CamMetric
from synthmed.nets.checkpoints import allow_mmengine_checkpoints, load_checkpoint, read_local_checkpoints
from synthmed.nets.class_names_hook import ClassNamesHook
from synthmed.nets.collate import collate_as_block
from synthmed.nets.darknet19 import Darknet19
from synthmed.nets.densenet import DenseNet
from synthmed.nets.f1_metric import F1Metric
from synthmed.nets.finite_loss_hook import FiniteLossHook
from synthmed.nets.image_transforms import PadWithBackground, PhotometricJitter, ReadMicrograph, TakePart
from synthmed.nets.keep_memory_hook import KeepMemoryHook
from synthmed.nets.mixed_dataset import MixedDataset
from synthmed.nets.mmdet_heads import BankRTMDetHead, BankYOLOV3Head, BankYOLOXHead
from synthmed.nets.multi_scale import MultiScale
from synthmed.nets.precision import BFloat16OptimWrapper, ChannelsLastHook
from synthmed.nets.real_dataset import RealDataset
from synthmed.nets.rendered_dataset import RenderedDataset
from synthmed.nets.scene_dataset import SceneDataset
from synthmed.nets.scene_loop import SceneTrainLoop
from synthmed.nets.scene_sampler import SceneSampler
from synthmed.nets.several_processes import SeveralProcessesRunner
from synthmed.nets.stop_unread_hook import StopUnreadHook
from synthmed.nets.yolov2_head import YOLOv2Head

__all__ = [
    "AdaptBatchNormHook",
    "BFloat16OptimWrapper",
    "BankRTMDetHead",
    "BankYOLOV3Head",
    "BankYOLOXHead",
    "BoxMetric",
    "CAMClassifier",
    "CamMetric",
    "ChannelsLastHook",
    "ClassNamesHook",
    "Darknet19",
    "DenseNet",
    "F1Metric",
    "FiniteLossHook",
    "KeepMemoryHook",
    "MixedDataset",
    "MultiScale",
    "PadWithBackground",
    "PhotometricJitter",
    "ReadMicrograph",
    "RealDataset",
    "RenderedDataset",
    "SceneDataset",
    "SceneSampler",
    "SceneTrainLoop",
    "SeveralProcessesRunner",
    "StopUnreadHook",
    "TakePart",
    "YOLOv2Head",
    "allow_mmengine_checkpoints",
    "collate_as_block",
    "image_cam",
    "load_checkpoint",
]

allow_mmengine_checkpoints()
read_local_checkpoints()
