"""Ending well however the end comes: for commands that have something to clear away."""

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does, so that it can clear away what it has made."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def hang_up(_signal: int, _frame: FrameType | None) -> None:
        # Whatever runs at that moment knows what to do on SIGTERM.
        os.kill(os.getpid(), signal.SIGTERM)

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, end), signal.SIGHUP: signal.signal(signal.SIGHUP, hang_up)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
