"""YOLOv2 for a CPU, trained on composed scenes alone: not one real image, not one drawn box.

Train, go on after a kill, test:
    export SYNTHMED_BANK=BANK SYNTHMED_IMAGES=DATA/images SYNTHMED_POINTS=DATA/points.csv
    export SYNTHMED_BOXES='DATA/boxes_{split}.json'   # optional: real boxes to measure by
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu.py --work-dir work_dirs/yolov2
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu.py --work-dir work_dirs/yolov2 --resume
    mim test mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu.py \
        --checkpoint work_dirs/yolov2/iter_700.pth
Options: --cfg-options train_cfg.max_iters=1400
Expected result and run time: mmdet_configs/README.md
"""

_base_ = [
    "../_base_/runtime.py",
    "../_base_/schedule_cpu.py",
    "../_base_/scenes_416.py",
    "../_base_/yolov2_darknet19.py",
]

# A quarter of the channels, and the maps of strides 8 and 16 in the place of 16 and 32: microscopes show
# objects of 10 to 40 px more often than larger ones, and the layers that are left out cost the most.
model = dict(
    backbone=dict(width=0.25, out_indices=(3, 4), out_stride=16),
    bbox_head=dict(
        in_channels=(64, 128),
        in_strides=(8, 16),
        stride=8,
        feat_channels=128,
        stacked_convs=1,
        passthrough_channels=16,
        recipe=_base_.recipe,
        size_px=_base_.size,
    ),
)

train_cfg = dict(max_iters=700)
