"""YOLOX-tiny of MMDetection. Classes come from the bank, weights from scratch.

To start from weights trained on COCO, whose input this network takes: --cfg-options load_from=yolox_tiny.pth
"""

norm = dict(type="BN", momentum=0.03, eps=0.001)
swish = dict(type="Swish")

model = dict(
    type="YOLOX",
    data_preprocessor=dict(
        type="DetDataPreprocessor",
        mean=[0.0, 0.0, 0.0],
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type="CSPDarknet",
        deepen_factor=0.33,
        widen_factor=0.375,
        out_indices=(2, 3, 4),
        spp_kernal_sizes=(5, 9, 13),
        norm_cfg=norm,
        act_cfg=swish,
    ),
    neck=dict(
        type="YOLOXPAFPN",
        in_channels=[96, 192, 384],
        out_channels=96,
        num_csp_blocks=1,
        upsample_cfg=dict(scale_factor=2, mode="nearest"),
        norm_cfg=norm,
        act_cfg=swish,
    ),
    bbox_head=dict(
        type="BankYOLOXHead",
        in_channels=96,
        feat_channels=96,
        stacked_convs=2,
        strides=(8, 16, 32),
        norm_cfg=norm,
        act_cfg=swish,
        bank="{{$SYNTHMED_BANK:work_dirs/demo/phantom/bank}}",
    ),
    train_cfg=dict(assigner=dict(type="SimOTAAssigner", center_radius=2.5)),
    test_cfg=dict(score_thr=0.001, nms=dict(type="nms", iou_threshold=0.65)),
)

val_evaluator = [dict(type="F1Metric"), dict(type="BoxMetric")]
test_evaluator = val_evaluator
