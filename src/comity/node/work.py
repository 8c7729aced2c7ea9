"""What runs behind: text index, purge and due jobs, in threads of a server or of `comity worker`, or once for cron."""

import logging
import threading
from collections.abc import Callable, Iterator

from comity.errors import ComityError
from comity.node.jobs import Ran
from comity.node.node import Node

SECONDS_BETWEEN = 0.02
SECONDS_IDLE = 1.0
SECONDS_AFTER_FAULT = 30.0
STOP_SECONDS = 10.0
IDLE_ROUNDS_BETWEEN = 10

_log = logging.getLogger("comity.work")


class Worker:
    """Two threads, so that a slow peer does not keep the text index waiting: piece after piece, with pauses in which
    answers come first. `on_idle` is called now and then while there is nothing to do."""

    def __init__(self, node: Node, on_idle: Callable[[], None] = lambda: None) -> None:
        self._node = node
        self._on_idle = on_idle
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Work is being done until `stop`."""
        for name, step in (("work", self._work), ("jobs", self._job)):
            thread = threading.Thread(target=self._loop, args=(step,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """The piece that is being done is finished, and no other begins. A request to another server that is on its way
        is waited for only so long: what it would have brought is asked for again, once its lease is over."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _work(self) -> bool:
        return self._node.work()

    def _job(self) -> bool:
        ran = self._node.run_job(self._stopped.is_set)
        if ran is not None and ran.error:
            _log.warning("job %s %s: %s", ran.job.kind, ran.job.key, ran.error)
        return ran is not None

    def _loop(self, step: Callable[[], bool]) -> None:
        pause = 0.0
        idle = 0
        while not self._stopped.wait(pause):
            try:
                more = step()
                pause = SECONDS_BETWEEN if more else SECONDS_IDLE
                idle = 0 if more else idle + 1
                if idle % IDLE_ROUNDS_BETWEEN == 1:
                    self._on_idle()
            except ComityError as error:
                _log.warning("work behind waits: %s", error.message)
                pause = SECONDS_AFTER_FAULT
            except Exception:
                _log.exception("work behind failed")
                pause = SECONDS_AFTER_FAULT


def drain(node: Node, stopped: Callable[[], bool] = lambda: False) -> Iterator[Ran]:
    """All that is due now was done; each job as it ends."""
    while not stopped() and node.work():
        pass
    while not stopped() and (ran := node.run_job(stopped)) is not None:
        yield ran
    while not stopped() and node.work():
        pass
