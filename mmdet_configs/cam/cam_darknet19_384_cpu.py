"""Multi-label classifier with exact class activation maps, for a CPU, trained on composed scenes alone."""

_base_ = [
    '../_base_/runtime.py',
    '../_base_/schedule_cpu.py',
    '../_base_/scenes_384.py',
]

model = dict(
    type='CAMClassifier',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5],
        bgr_to_rgb=True,
        pad_size_divisor=32),
    backbone=dict(type='Darknet19', width=0.5, out_indices=(5,), out_stride=16),
    bank='{{$SYNTHMED_BANK:work_dirs/demo/bank}}')

val_evaluator = [dict(type='CamMetric')]
test_evaluator = val_evaluator
