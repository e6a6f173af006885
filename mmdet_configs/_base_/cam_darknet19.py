"""Multi-label classifier with exact class activation maps, on four stages of Darknet-19 at full width.

Classes come from the bank, weights from scratch.
"""

# Evidence has to come from the object itself. Four stages see 42 px round a cell, and what is seen from
# afar is also claimed from afar: the maps of a deeper network lie round the objects, not on them. At stride
# 8 the highest place of a map lies beside an object of 7 px, hence stride 4. The mean over a map hardly
# moves with a cell of a few pixels, which log-mean-exp pooling answers to, the sharper the sooner.
model = dict(
    type="CAMClassifier",
    data_preprocessor=dict(
        type="DetDataPreprocessor",
        mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(type="Darknet19", width=1.0, out_indices=(3,), out_stride=4),
    pooling="lse",
    sharpness=10.0,
    bank="{{$SYNTHMED_BANK:work_dirs/demo/phantom/bank}}",
)

val_evaluator = [dict(type="CamMetric")]
test_evaluator = val_evaluator
