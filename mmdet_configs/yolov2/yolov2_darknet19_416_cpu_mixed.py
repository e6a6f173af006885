"""yolov2_darknet19_416_cpu.py where every tenth image shown is real, with its drawn boxes.

Train, go on after a kill, test:
    export SYNTHMED_BANK=BANK SYNTHMED_IMAGES=DATA/images SYNTHMED_POINTS=DATA/points.csv
    export SYNTHMED_BOXES='DATA/boxes_{split}.json'
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu_mixed.py --work-dir work_dirs/yolov2_mixed
    mim train mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu_mixed.py \
        --work-dir work_dirs/yolov2_mixed --resume
    mim test mmdet mmdet_configs/yolov2/yolov2_darknet19_416_cpu_mixed.py \
        --checkpoint work_dirs/yolov2_mixed/iter_700.pth
Options: --cfg-options train_dataloader.dataset.real_share=0.25 train_dataloader.dataset.real_images=50
Expected result: docs/adapting.md
"""

_base_ = ["./yolov2_darknet19_416_cpu_real.py"]  # for how real images are read

train_dataloader = dict(
    sampler=dict(_delete_=True, type="SceneSampler", endless=True),
    dataset=dict(
        _delete_=True,
        type="MixedDataset",
        real_share=0.1,
        real=_base_.train_dataloader.dataset,
        scenes=dict(
            type="SceneDataset",
            bank=_base_.bank,
            recipe=_base_.recipe,
            size_px=_base_.size,
            seed=_base_.randomness.seed,
            pipeline=[dict(type="PhotometricJitter"), dict(type="PackDetInputs")],
        ),
    ),
)
