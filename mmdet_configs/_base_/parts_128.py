"""Training on parts of 128 x 128 px of the scenes of scenes_384.py, testing on whole images.

Of a part with few objects a label says more, and parts round objects show rare classes as often as others.
Without distractors anything small is an object, such as dust.
"""

_base_ = ["./scenes_384.py"]

train_dataloader = dict(
    dataset=dict(
        recipe=dict(counts=dict(presence=0.65), distractors=dict(per_scene=(0, 8))),
        pipeline=[
            dict(type="TakePart", size=(128, 128), round_object=0.8),
            dict(type="PhotometricJitter"),
            dict(type="PackDetInputs"),
        ],
    ),
)
