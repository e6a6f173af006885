"""Multi-label classifier with exact class activation maps, for a CPU, trained on composed scenes alone.

It learns from image-level labels: which classes a scene has, and nothing about where.

Train, go on after a kill, test:
    export SYNTHMED_BANK=BANK SYNTHMED_IMAGES=DATA/images SYNTHMED_POINTS=DATA/points.csv
    export SYNTHMED_BOXES='DATA/boxes_{split}.json'   # optional: real boxes to measure by
    mim train mmdet mmdet_configs/cam/cam_darknet19_384_cpu.py --work-dir work_dirs/cam
    mim train mmdet mmdet_configs/cam/cam_darknet19_384_cpu.py --work-dir work_dirs/cam --resume
    mim test mmdet mmdet_configs/cam/cam_darknet19_384_cpu.py \
        --checkpoint work_dirs/cam/iter_1000.pth
Options: --cfg-options train_cfg.max_iters=2000 model.pooling=avg
Expected result and run time: mmdet_configs/README.md
"""

_base_ = [
    "../_base_/runtime.py",
    "../_base_/schedule_cpu.py",
    "../_base_/parts_128.py",
    "../_base_/cam_darknet19.py",
]

model = dict(backbone=dict(width=0.5))

train_dataloader = dict(batch_size=24)

train_cfg = dict(max_iters=1000)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
