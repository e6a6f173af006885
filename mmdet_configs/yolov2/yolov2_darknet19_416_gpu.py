"""YOLOv2 at full width for a GPU, trained on composed scenes alone.

Train, go on after a kill, test:
    export SYNTHMED_BANK=BANK SYNTHMED_IMAGES=DATA/images SYNTHMED_POINTS=DATA/points.csv
    export SYNTHMED_BOXES='DATA/boxes_{split}.json'   # optional: real boxes to measure by
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_gpu.py --work-dir work_dirs/yolov2_gpu
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_gpu.py --work-dir work_dirs/yolov2_gpu --resume
    mim test mmdet mmdet_configs/yolov2/yolov2_darknet19_416_gpu.py \
        --checkpoint work_dirs/yolov2_gpu/iter_8000.pth
On four GPUs, which together see the scenes that one would:
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_gpu.py --work-dir work_dirs/yolov2_gpu \
        --launcher pytorch --gpus 4 --cfg-options train_dataloader.batch_size=16
Options: --cfg-options train_cfg.max_iters=4000 train_dataloader.num_workers=8
Expected result and run time: mmdet_configs/README.md
"""

_base_ = [
    "../_base_/runtime.py",
    "../_base_/schedule_gpu.py",
    "../_base_/scenes_416.py",
    "../_base_/yolov2_darknet19.py",
]

model = dict(bbox_head=dict(recipe=_base_.recipe, size_px=_base_.size, loss=dict(published=True)))

train_dataloader = dict(batch_size=64, num_workers=12, pin_memory=True)
val_dataloader = dict(batch_size=32, num_workers=4, pin_memory=True)
test_dataloader = val_dataloader
