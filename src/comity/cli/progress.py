"""How far a long command is: a bar on a terminal after a second, else a line every ten seconds."""

import sys
import time
from collections.abc import Callable

from comity.cli.console import Console
from comity.cli.terminal import counted

BAR_AFTER_SECONDS = 1.0
BAR_EVERY_SECONDS = 0.1
LINE_EVERY_SECONDS = 10.0
BAR_CELLS = 24


class Progress:
    """Told of each step, it says now and then on stderr how far things are; `--quiet` keeps it silent."""

    def __init__(
        self,
        console: Console,
        words: str,
        share: Callable[[], float | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._words, self._share, self._clock = words, share, clock
        self._silent = console.quiet
        self._bar = sys.stderr.isatty()
        self._next = clock() + (BAR_AFTER_SECONDS if self._bar else LINE_EVERY_SECONDS)
        self._drawn = False

    def __call__(self, done: int) -> None:
        """So many objects are done."""
        now = self._clock()
        if self._silent or now < self._next:
            return
        self._next = now + (BAR_EVERY_SECONDS if self._bar else LINE_EVERY_SECONDS)
        share = self._share()
        percent = "" if share is None else f", {share:.0%}"
        text = f"{self._words}: {counted(done, 'object')}{percent}"
        if self._bar:
            full = round((share or 0) * BAR_CELLS)
            bar = "" if share is None else f"  [{'#' * full}{' ' * (BAR_CELLS - full)}]"
            print(f"\r\x1b[K{text}{bar}", end="", file=sys.stderr, flush=True)
            self._drawn = True
        else:
            print(text, file=sys.stderr, flush=True)

    def finish(self) -> None:
        """The bar is gone from the screen."""
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._drawn = False
