"""YOLOv2 for a CPU, trained on composed scenes alone."""

_base_ = [
    '../_base_/runtime.py',
    '../_base_/schedule_cpu.py',
    '../_base_/scenes_416.py',
]

model = dict(
    type='SingleStageDetector',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5],
        bgr_to_rgb=True,
        pad_size_divisor=32),
    backbone=dict(type='Darknet19', width=0.5, out_indices=(4, 5)),
    neck=None,
    bbox_head=dict(
        type='YOLOv2Head',
        in_channels=(256, 512),
        in_strides=(16, 32),
        feat_channels=512,
        bank='{{$SYNTHMED_BANK:work_dirs/demo/bank}}',
        recipe=_base_.recipe,
        size_px=_base_.size),
    test_cfg=dict(score_thr=0.001, nms_pre=1000, nms=dict(type='nms', iou_threshold=0.45), max_per_img=500))

val_evaluator = [dict(type='F1Metric'), dict(type='BoxMetric')]
test_evaluator = val_evaluator
