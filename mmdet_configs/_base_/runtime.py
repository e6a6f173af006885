"""What every config shares: plug-ins, logging, checkpoints, seed.

SYNTHMED_SEED   seed of the weights and of the scenes: randomness.seed and train_dataloader.dataset.seed
"""

custom_imports = dict(imports=["synthmed.nets"], allow_failed_imports=False)
default_scope = "mmdet"

# The oldest checkpoint is deleted before the next is written: with one alone, a kill between loses all.
default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=20, log_metric_by_epoch=False),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=200, max_keep_ckpts=2, save_last=True),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    visualization=dict(type="DetVisualizationHook"),
)
log_processor = dict(type="LogProcessor", by_epoch=False, window_size=20)
log_level = "INFO"

vis_backends = [dict(type="LocalVisBackend")]
visualizer = dict(type="DetLocalVisualizer", vis_backends=vis_backends, name="visualizer")

randomness = dict(seed=int("{{$SYNTHMED_SEED:0}}"))
load_from = None
resume = False
