"""YOLOv2 with Darknet-19 at full width. Classes and anchors come from the bank, weights from scratch.

To start from trained weights: --cfg-options load_from=CHECKPOINT.pth
"""

model = dict(
    type="SingleStageDetector",
    data_preprocessor=dict(
        type="DetDataPreprocessor",
        mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(type="Darknet19", width=1.0, out_indices=(4, 5)),
    neck=None,
    bbox_head=dict(
        type="YOLOv2Head",
        in_channels=(512, 1024),
        in_strides=(16, 32),
        stride=32,
        feat_channels=1024,
        passthrough_channels=64,
        num_anchors=5,
        bank="{{$SYNTHMED_BANK:work_dirs/demo/phantom/bank}}",
    ),
    test_cfg=dict(score_thr=0.001, nms_pre=1000, nms=dict(type="nms", iou_threshold=0.45), max_per_img=500),
)

val_evaluator = [dict(type="F1Metric"), dict(type="BoxMetric")]
test_evaluator = val_evaluator
