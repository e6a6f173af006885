r"""As cam_darknet19_384_cpu.py, with ResNet-18 at half width, three of its four stages.

Train, go on after a kill, test, with the variables of that config:
    mim train mmdet mmdet_configs/cam/cam_resnet18_384_cpu.py --work-dir work_dirs/cam_resnet18
    mim train mmdet mmdet_configs/cam/cam_resnet18_384_cpu.py --work-dir work_dirs/cam_resnet18 --resume
    mim test mmdet mmdet_configs/cam/cam_resnet18_384_cpu.py \
        --checkpoint work_dirs/cam_resnet18/iter_1000.pth
The output stride is 8.
Stride 16: --cfg-options model.backbone.strides="(1,2,2)" model.backbone.dilations="(1,1,1)" model.shift_px=7
Stride 32: --cfg-options model.backbone.num_stages=4 model.backbone.out_indices="(3,)" \
    model.backbone.strides="(1,2,2,2)" model.backbone.dilations="(1,1,1,1)" \
    model.in_channels=256 model.shift_px=15
Expected result and run time: mmdet_configs/README.md
"""

_base_ = ["./cam_darknet19_384_cpu.py"]

# MMDetection's ResNet freezes batch norm unless told not to. Convolutions with stride 2 put each cell round
# the upper left corner of its pixels, hence shift_px: stride / 2 - 1.
model = dict(
    backbone=dict(
        _delete_=True,
        type="ResNet",
        depth=18,
        base_channels=32,
        num_stages=3,
        out_indices=(2,),
        strides=(1, 2, 1),
        dilations=(1, 1, 2),
        norm_eval=False,
        frozen_stages=-1,
    ),
    in_channels=128,
    shift_px=3,
)
