"""YOLOv3 of MMDetection on a Darknet-19 of a quarter of the channels. Classes and anchors come from the bank.

MMDetection's Darknet-53 has one size alone, which takes a CPU days.
"""

width = 0.25

model = dict(
    type="YOLOV3",
    data_preprocessor=dict(
        type="DetDataPreprocessor",
        mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(type="Darknet19", width=width, out_indices=(3, 4, 5)),
    neck=dict(type="YOLOV3Neck", num_scales=3, in_channels=[256, 128, 64], out_channels=[128, 64, 32]),
    bbox_head=dict(
        type="BankYOLOV3Head",
        in_channels=[128, 64, 32],
        out_channels=[256, 128, 64],
        featmap_strides=[32, 16, 8],
        bbox_coder=dict(type="YOLOBBoxCoder"),
        loss_cls=dict(type="CrossEntropyLoss", use_sigmoid=True, loss_weight=1.0, reduction="sum"),
        loss_conf=dict(type="CrossEntropyLoss", use_sigmoid=True, loss_weight=1.0, reduction="sum"),
        loss_xy=dict(type="CrossEntropyLoss", use_sigmoid=True, loss_weight=2.0, reduction="sum"),
        loss_wh=dict(type="MSELoss", loss_weight=2.0, reduction="sum"),
        bank="{{$SYNTHMED_BANK:work_dirs/demo/phantom/bank}}",
    ),
    train_cfg=dict(assigner=dict(type="GridAssigner", pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0)),
    test_cfg=dict(
        score_thr=0.001,
        conf_thr=0.001,
        nms_pre=1000,
        min_bbox_size=0,
        nms=dict(type="nms", iou_threshold=0.45),
        max_per_img=500,
    ),
)

val_evaluator = [dict(type="F1Metric"), dict(type="BoxMetric")]
test_evaluator = val_evaluator
