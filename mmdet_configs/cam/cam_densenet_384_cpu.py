r"""As cam_darknet19_384_cpu.py, with DenseNet-121 at a growth rate of 12, three of its four blocks.

Train and test as it says there; output stride 8.
Stride 16: --cfg-options model.backbone.out_stride=16
Stride 32: --cfg-options model.backbone.out_stride=32 model.backbone.blocks=4
Expected result and run time: mmdet_configs/README.md
"""

_base_ = ["./cam_darknet19_384_cpu.py"]

model = dict(
    backbone=dict(_delete_=True, type="DenseNet", depth=121, growth=12, blocks=3, out_stride=8),
)
