"""As scenes_416.py at 384 x 384 px, with counts decorrelated so that no class tells of another.

Canvases are plain, since an object that was left on a backdrop would be a class that the tags do not name.
"""

_base_ = ["./scenes_416.py"]

size = (384, 384)
recipe = dict(counts=dict(kind="decorrelated"), canvas=dict(kind="background"))

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

train_dataloader = dict(dataset=dict(size_px=size, recipe=recipe))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
