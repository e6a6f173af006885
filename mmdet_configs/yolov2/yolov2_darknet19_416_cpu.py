"""YOLOv2 for a CPU, trained on composed scenes alone: not one real image, not one drawn box.

Train, go on after a kill, test:
    export SYNTHMED_BANK=BANK SYNTHMED_IMAGES=DATA/images SYNTHMED_POINTS=DATA/points.csv
    export SYNTHMED_BOXES='DATA/boxes_{split}.json'   # optional: real boxes to measure by
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu.py --work-dir work_dirs/yolov2
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu.py --work-dir work_dirs/yolov2 --resume
    mim test mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu.py \
        --checkpoint work_dirs/yolov2/iter_500.pth
Options: --cfg-options train_cfg.max_iters=1000
Expected result and run time: mmdet_configs/README.md
"""

_base_ = [
    "../_base_/runtime.py",
    "../_base_/schedule_cpu.py",
    "../_base_/scenes_416.py",
    "../_base_/yolov2_darknet19.py",
]

# A quarter of the channels, and a grid of 16 px: objects of 10 to 40 px are what microscopes show most.
model = dict(
    backbone=dict(width=0.25),
    bbox_head=dict(
        in_channels=(128, 256), feat_channels=256, stride=16, recipe=_base_.recipe, size_px=_base_.size
    ),
)

train_cfg = dict(max_iters=500)
