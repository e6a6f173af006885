"""RTMDet-tiny for a CPU, at two thirds of its width, trained on composed scenes alone.

Train, go on after a kill, test:
    export SYNTHMED_BANK=BANK SYNTHMED_IMAGES=DATA/images SYNTHMED_POINTS=DATA/points.csv
    export SYNTHMED_BOXES='DATA/boxes_{split}.json'   # optional: real boxes to measure by
    mim train mmdet mmdet_configs/rtmdet/rtmdet_tiny_416_cpu.py --work-dir work_dirs/rtmdet
    mim train mmdet mmdet_configs/rtmdet/rtmdet_tiny_416_cpu.py --work-dir work_dirs/rtmdet --resume
    mim test mmdet mmdet_configs/rtmdet/rtmdet_tiny_416_cpu.py --checkpoint work_dirs/rtmdet/iter_400.pth
Options: --cfg-options train_cfg.max_iters=800
Expected result and run time: mmdet_configs/README.md
"""

_base_ = [
    "../_base_/runtime.py",
    "../_base_/schedule_cpu.py",
    "../_base_/scenes_416.py",
    "../_base_/rtmdet_tiny.py",
]

# A quarter of the channels of RTMDet-l; published weights need the 0.375 of the base. With the exponential,
# as in RTMDet-l, the first boxes have the stride as their size; without it they have none, and no overlap.
model = dict(
    backbone=dict(widen_factor=0.25),
    neck=dict(in_channels=[64, 128, 256], out_channels=64),
    bbox_head=dict(in_channels=64, feat_channels=64, exp_on_reg=True),
)

optim_wrapper = dict(optimizer=dict(lr=2e-3))
train_cfg = dict(max_iters=400)
