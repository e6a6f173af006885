"""yolov2_darknet19_416_cpu.py with AdaBN: in the end, batch norm is adapted to unlabelled train images.

The adapted network is what `synthmed adapt` makes of the checkpoint of yolov2_darknet19_416_cpu.py.

Train, go on after a kill, test:
    export SYNTHMED_BANK=BANK SYNTHMED_IMAGES=DATA/images SYNTHMED_POINTS=DATA/points.csv
    export SYNTHMED_BOXES='DATA/boxes_{split}.json'   # optional: real boxes to measure by
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu_adabn.py --work-dir work_dirs/yolov2_adabn
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu_adabn.py \
        --work-dir work_dirs/yolov2_adabn --resume
    mim test mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu_adabn.py \
        --checkpoint work_dirs/yolov2_adabn/iter_700.pth
Options: --cfg-options custom_hooks.0.max_images=None
Expected result: docs/adapting.md
"""

_base_ = ["./yolov2_darknet19_416_cpu.py"]

custom_hooks = [
    dict(
        type="AdaptBatchNormHook",
        images=_base_.val_dataloader.dataset.images,
        points=_base_.val_dataloader.dataset.points,
        max_images=64,  # of those of train, evenly spread; None for all
    ),
    *_base_.custom_hooks,
]
