"""RTMDet-tiny of MMDetection. Classes come from the bank, weights from scratch.

To start from weights trained on COCO, whose input this network takes: --cfg-options load_from=rtmdet_tiny.pth
"""

norm = dict(type="BN")
silu = dict(type="SiLU", inplace=True)

model = dict(
    type="RTMDet",
    data_preprocessor=dict(
        type="DetDataPreprocessor",
        mean=[103.53, 116.28, 123.675],
        std=[57.375, 57.12, 58.395],
        bgr_to_rgb=False,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type="CSPNeXt",
        arch="P5",
        expand_ratio=0.5,
        deepen_factor=0.167,
        widen_factor=0.375,
        channel_attention=True,
        norm_cfg=norm,
        act_cfg=silu,
    ),
    neck=dict(
        type="CSPNeXtPAFPN",
        in_channels=[96, 192, 384],
        out_channels=96,
        num_csp_blocks=1,
        expand_ratio=0.5,
        norm_cfg=norm,
        act_cfg=silu,
    ),
    bbox_head=dict(
        type="BankRTMDetHead",
        in_channels=96,
        feat_channels=96,
        stacked_convs=2,
        anchor_generator=dict(type="MlvlPointGenerator", offset=0, strides=[8, 16, 32]),
        bbox_coder=dict(type="DistancePointBBoxCoder"),
        loss_cls=dict(type="QualityFocalLoss", use_sigmoid=True, beta=2.0, loss_weight=1.0),
        loss_bbox=dict(type="GIoULoss", loss_weight=2.0),
        with_objectness=False,
        exp_on_reg=False,
        share_conv=True,
        pred_kernel_size=1,
        norm_cfg=norm,
        act_cfg=silu,
        bank="{{$SYNTHMED_BANK:work_dirs/demo/phantom/bank}}",
    ),
    train_cfg=dict(assigner=dict(type="DynamicSoftLabelAssigner", topk=13), allowed_border=-1, pos_weight=-1),
    test_cfg=dict(
        score_thr=0.001,
        nms_pre=1000,
        min_bbox_size=0,
        nms=dict(type="nms", iou_threshold=0.65),
        max_per_img=500,
    ),
)

val_evaluator = [dict(type="F1Metric"), dict(type="BoxMetric")]
test_evaluator = val_evaluator
