"""YOLOv3 for a CPU, trained on composed scenes alone.

Train, go on after a kill, test:
    export SYNTHMED_BANK=BANK SYNTHMED_IMAGES=DATA/images SYNTHMED_POINTS=DATA/points.csv
    export SYNTHMED_BOXES='DATA/boxes_{split}.json'   # optional: real boxes to measure by
    mim train mmdet mmdet_configs/yolov3/yolov3_darknet19_416_cpu.py --work-dir work_dirs/yolov3
    mim train mmdet mmdet_configs/yolov3/yolov3_darknet19_416_cpu.py --work-dir work_dirs/yolov3 --resume
    mim test mmdet mmdet_configs/yolov3/yolov3_darknet19_416_cpu.py --checkpoint work_dirs/yolov3/iter_600.pth
Options: --cfg-options train_cfg.max_iters=1200
Expected result and run time: mmdet_configs/README.md
"""

_base_ = [
    "../_base_/runtime.py",
    "../_base_/schedule_cpu.py",
    "../_base_/scenes_416.py",
    "../_base_/yolov3_darknet19.py",
]

model = dict(bbox_head=dict(recipe=_base_.recipe, size_px=_base_.size))

train_cfg = dict(max_iters=600)
