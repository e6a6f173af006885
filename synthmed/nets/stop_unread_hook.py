"""A training whose output nobody reads any more ends, instead of going on unseen."""

from __future__ import annotations

import os
import select
import stat
import sys
from typing import Any

from mmdet.registry import HOOKS
from mmengine.hooks import Hook


@HOOKS.register_module()
class StopUnreadHook(Hook):
    """Ends training once the reader of the pipe that it prints to is gone.

    Who started the training through a pipe and was killed cannot tell it to end. It would compute for
    nobody, and write its checkpoints beside those of the training that is started next. A training that
    prints to a terminal or a file is left alone.
    """

    def after_train_iter(self, runner: Any, *args: Any, **kwargs: Any) -> None:
        """Look whether anybody reads.

        Raises:
            SystemExit: nobody does.
        """
        if output_is_unread():
            # Without a reader, printing anything while Python ends would fail.
            sys.stdout = sys.stderr = open(os.devnull, "w")
            raise SystemExit(1)


def output_is_unread(descriptor: int = 1) -> bool:
    """Whether a descriptor is a pipe whose other end is closed.

    Examples:
        >>> reader, writer = os.pipe()
        >>> before = output_is_unread(writer)
        >>> os.close(reader)
        >>> before, output_is_unread(writer)
        (False, True)
        >>> os.close(writer)
    """
    try:
        if not hasattr(select, "poll") or not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return False
    except OSError:
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return bool(poll.poll(0))
