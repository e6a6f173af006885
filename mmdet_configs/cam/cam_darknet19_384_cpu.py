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
    "../_base_/scenes_384.py",
    "../_base_/cam_darknet19.py",
]

# Evidence has to come from the object itself. Four stages see 42 px round a cell, and what is seen from
# afar is also claimed from afar: the maps of a deeper network lie round the objects, not on them. At stride
# 8 the highest place of a map lies beside an object of 7 px, hence stride 4. The mean over a map hardly
# moves with a cell of a few pixels, which log-mean-exp pooling answers to, the sharper the sooner.
model = dict(backbone=dict(width=0.5, out_indices=(3,), out_stride=4), pooling="lse", sharpness=10.0)

# Of a part with few objects a label says more, and parts round objects show rare classes as often as others.
# Test images are seen whole. Without distractors anything small is an object, such as dust.
train_dataloader = dict(
    batch_size=24,
    dataset=dict(
        recipe=dict(counts=dict(presence=0.65), distractors=dict(per_scene=(0, 8))),
        pipeline=[
            dict(type="TakePart", size=(128, 128), round_object=0.8),
            dict(type="PhotometricJitter"),
            dict(type="PackDetInputs"),
        ],
    ),
)

train_cfg = dict(max_iters=1000)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
