"""YOLOX-nano for a CPU, trained on composed scenes alone.

Train, go on after a kill, test:
    export SYNTHMED_BANK=BANK SYNTHMED_IMAGES=DATA/images SYNTHMED_POINTS=DATA/points.csv
    export SYNTHMED_BOXES='DATA/boxes_{split}.json'   # optional: real boxes to measure by
    mim train mmdet mmdet_configs/yolox/yolox_nano_416_cpu.py --work-dir work_dirs/yolox
    mim train mmdet mmdet_configs/yolox/yolox_nano_416_cpu.py --work-dir work_dirs/yolox --resume
    mim test mmdet mmdet_configs/yolox/yolox_nano_416_cpu.py --checkpoint work_dirs/yolox/iter_540.pth
Options: --cfg-options train_cfg.max_iters=1080
Expected result and run time: mmdet_configs/README.md
"""

_base_ = [
    "../_base_/runtime.py",
    "../_base_/schedule_cpu.py",
    "../_base_/scenes_416.py",
    "../_base_/yolox_tiny.py",
]

model = dict(
    backbone=dict(widen_factor=0.25, use_depthwise=True),
    neck=dict(in_channels=[64, 128, 256], out_channels=64, use_depthwise=True),
    bbox_head=dict(in_channels=64, feat_channels=64, use_depthwise=True),
)

optim_wrapper = dict(optimizer=dict(lr=2e-3))
train_cfg = dict(max_iters=540)
