"""Multi-label classifier with exact class activation maps, at full width for a GPU.

It learns from image-level labels: which classes a scene has, and nothing about where.

Train, go on after a kill, test:
    export SYNTHMED_BANK=BANK SYNTHMED_IMAGES=DATA/images SYNTHMED_POINTS=DATA/points.csv
    export SYNTHMED_BOXES='DATA/boxes_{split}.json'   # optional: real boxes to measure by
    mim train mmdet mmdet_configs/cam/cam_darknet19_384_gpu.py --work-dir work_dirs/cam_gpu
    mim train mmdet mmdet_configs/cam/cam_darknet19_384_gpu.py --work-dir work_dirs/cam_gpu --resume
    mim test mmdet mmdet_configs/cam/cam_darknet19_384_gpu.py \
        --checkpoint work_dirs/cam_gpu/iter_8000.pth
On four GPUs, which together see the scenes that one would:
    mim train mmdet mmdet_configs/cam/cam_darknet19_384_gpu.py --work-dir work_dirs/cam_gpu \
        --launcher pytorch --gpus 4 --cfg-options train_dataloader.batch_size=48
Options: --cfg-options train_cfg.max_iters=4000
Expected result and run time: mmdet_configs/README.md
"""

_base_ = [
    "../_base_/runtime.py",
    "../_base_/schedule_gpu.py",
    "../_base_/parts_128.py",
    "../_base_/cam_darknet19.py",
]

train_dataloader = dict(batch_size=192, num_workers=12, pin_memory=True)
val_dataloader = dict(batch_size=32, num_workers=4, pin_memory=True)
test_dataloader = val_dataloader
