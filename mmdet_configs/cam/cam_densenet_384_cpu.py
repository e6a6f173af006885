r"""As cam_darknet19_384_cpu.py, with DenseNet-121 at a growth rate of 12, three of its four blocks.

Train, go on after a kill, test, with the variables of that config:
    mim train mmdet mmdet_configs/cam/cam_densenet_384_cpu.py --work-dir work_dirs/cam_densenet
    mim train mmdet mmdet_configs/cam/cam_densenet_384_cpu.py --work-dir work_dirs/cam_densenet --resume
    mim test mmdet mmdet_configs/cam/cam_densenet_384_cpu.py \
        --checkpoint work_dirs/cam_densenet/iter_1000.pth
The output stride is 8.
Stride 16: --cfg-options model.backbone.out_stride=16
Stride 32: --cfg-options model.backbone.out_stride=32 model.backbone.blocks=4
Expected result and run time: mmdet_configs/README.md
"""

_base_ = ["./cam_darknet19_384_cpu.py"]

model = dict(
    backbone=dict(_delete_=True, type="DenseNet", depth=121, growth=12, blocks=3, out_stride=8),
)
