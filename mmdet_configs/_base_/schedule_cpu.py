"""Training on a CPU: bfloat16 where the CPU computes in it, channels last, memory kept, warm-up and cosine.

The number of iterations is this one; everything else follows from it:
    --cfg-options train_cfg.max_iters=800
"""

train_cfg = dict(type="SceneTrainLoop", max_iters=600, val_interval=1_000_000)  # val: once, at the end
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")

optim_wrapper = dict(
    type="BFloat16OptimWrapper",
    optimizer=dict(type="AdamW", lr=3e-3, weight_decay=0.02),
    clip_grad=dict(max_norm=35.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, begin=0, end=50, by_epoch=False),
    dict(type="CosineAnnealingLR", eta_min_ratio=0.01, begin=0, by_epoch=False),  # ends with training
]

custom_hooks = [
    dict(type="ChannelsLastHook"),
    dict(type="ClassNamesHook"),
    dict(type="FiniteLossHook"),
    dict(type="KeepMemoryHook"),
    dict(type="StopUnreadHook"),
]

runner_type = "SeveralProcessesRunner"  # so that --launcher pytorch needs no GPU

# Workers are forked, and the kernels of torch and the composing of scenes share the cores.
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="gloo"),
)
auto_scale_lr = dict(enable=False, base_batch_size=8)
