"""Training on a CPU keeps the memory of one step for the next."""

from __future__ import annotations

import ctypes
import platform
from typing import Any

from mmdet.registry import HOOKS
from mmengine.hooks import Hook

# Numbers of malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_NEVER = 2**31 - 1


@HOOKS.register_module()
class KeepMemoryHook(Hook):
    """Tells the C library not to give memory back to the system while training runs on a CPU.

    Each step allocates the same feature maps, of megabytes each. By default glibc asks the system for blocks
    of this size one by one and gives them back at once, so that every step touches new pages, which the
    system clears first. Kept, they are there; peak memory grows by a twentieth. PyTorch does the same on a
    GPU. On systems without glibc, this hook does nothing.
    """

    def before_train(self, runner: Any) -> None:
        """Before the first step."""
        keep_memory()


def keep_memory() -> bool:
    """Whether this process now keeps what it has freed, until it ends."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(
        mallopt(option, value) == 1 for option, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _NEVER))
    )
