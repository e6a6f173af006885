"""Multi-label classifier with exact class activation maps, on Darknet-19 at full width.

Classes come from the bank, weights from scratch.
"""

model = dict(
    type="CAMClassifier",
    data_preprocessor=dict(
        type="DetDataPreprocessor",
        mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(type="Darknet19", width=1.0, out_indices=(5,), out_stride=16),
    pooling="avg",
    bank="{{$SYNTHMED_BANK:work_dirs/demo/phantom/bank}}",
)

val_evaluator = [dict(type="CamMetric")]
test_evaluator = val_evaluator
