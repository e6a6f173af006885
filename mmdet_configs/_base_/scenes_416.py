"""Training on composed scenes of 416 x 416 px, testing on real images shown at the same scale.

SYNTHMED_BANK     folder of the patch bank
SYNTHMED_IMAGES   folder of the real images to test on
SYNTHMED_POINTS   their points, CSV or COCO
SYNTHMED_BOXES    optional: COCO boxes on the same images; {split} stands for train, val or test

Each is also an option: --cfg-options train_dataloader.dataset.bank=... val_dataloader.dataset.images=...
"""

size = (416, 416)  # of the scenes, height and width; square, since mmdet's transforms take width and height
bank = "{{$SYNTHMED_BANK:work_dirs/demo/phantom/bank}}"
boxes = "{{$SYNTHMED_BOXES:none}}"
recipe = dict()  # fields that differ from the default recipe, or the path of a YAML file

train_pipeline = [
    dict(type="PhotometricJitter"),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="ReadMicrograph"),
    dict(type="Resize", scale=size, keep_ratio=True),
    dict(type="PadWithBackground", size_divisor=32),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(
        type="PackDetInputs",
        meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor", "instances"),
    ),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    collate_fn=dict(type="collate_as_block"),
    sampler=dict(type="SceneSampler", endless=True),
    dataset=dict(
        type="SceneDataset",
        bank=bank,
        recipe=recipe,
        size_px=size,
        seed=int("{{$SYNTHMED_SEED:0}}"),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="RealDataset",
        images="{{$SYNTHMED_IMAGES:work_dirs/demo/phantom/data/images}}",
        points="{{$SYNTHMED_POINTS:work_dirs/demo/phantom/data/points.csv}}",
        boxes=None if boxes == "none" else boxes,
        split="val",
        bank=bank,
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
