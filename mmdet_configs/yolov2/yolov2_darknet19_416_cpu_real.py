"""The control: network and schedule of yolov2_darknet19_416_cpu.py, trained on real images and boxes.

It needs a box for every object of the train split, which is the work that composed scenes save.

Train, go on after a kill, test:
    export SYNTHMED_BANK=BANK SYNTHMED_IMAGES=DATA/images SYNTHMED_POINTS=DATA/points.csv
    export SYNTHMED_BOXES='DATA/boxes_{split}.json'
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu_real.py --work-dir work_dirs/yolov2_real
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu_real.py \
        --work-dir work_dirs/yolov2_real --resume
    mim test mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu_real.py \
        --checkpoint work_dirs/yolov2_real/iter_700.pth
Options: --cfg-options train_cfg.max_iters=1400
Expected result and run time: mmdet_configs/README.md
"""

_base_ = ["./yolov2_darknet19_416_cpu.py"]

train_pipeline = [
    dict(type="ReadMicrograph"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="Resize", scale=_base_.size, keep_ratio=True),
    dict(type="RandomFlip", prob=[0.25, 0.25, 0.25], direction=["horizontal", "vertical", "diagonal"]),
    dict(type="PadWithBackground", size_divisor=32, size=_base_.size),
    dict(type="PhotometricJitter"),
    dict(type="PackDetInputs"),
]

train_dataloader = dict(
    sampler=dict(_delete_=True, type="InfiniteSampler", shuffle=True),
    dataset=dict(
        _delete_=True,
        type="RealDataset",
        images=_base_.val_dataloader.dataset.images,
        points=_base_.val_dataloader.dataset.points,
        boxes=_base_.val_dataloader.dataset.boxes,
        require_boxes=True,
        split="train",
        bank=_base_.bank,
        pipeline=train_pipeline,
    ),
)
