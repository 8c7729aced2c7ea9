"""Several processes behind one port: this one takes the connections and hands each to the process that has the fewest.

The kernel would spread connections by chance, and one busy process could be given all of a burst. The front holds no
node and reads no byte of a connection. A process that dies is replaced; the others go on. Every process ends when its
end of the pair to the front says that the front is gone, so that none is left behind, whatever happened to the front.
"""

import logging
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

from comity.errors import Unavailable

READY, CLOSED = b"r", b"-"
"""What a process says to the front, a byte each: it takes connections; one of those it was given is over."""
TICK_SECONDS = 0.5
RESTART_SECONDS_LEAST, RESTART_SECONDS_MOST = 0.2, 30.0
STEADY_SECONDS = 60.0
"""A process that ran so long was well; the next wait before a replacement is short again."""

_log = logging.getLogger("comity.front")

Run = Callable[[socket.socket, int], None]
"""Serves the connections that come through the socket, until it ends; the number is that of the place, from 0."""


@dataclass(slots=True, eq=False)
class _Place:
    """One of the processes, or where the next one will be."""

    number: int
    pid: int = 0
    door: socket.socket | None = None
    ready: bool = False
    open: int = 0
    started: float = 0.0
    again_at: float = 0.0
    wait: float = field(default=RESTART_SECONDS_LEAST)


class Front:
    """Made with a listening socket that does not block; `run` returns when all is over."""

    def __init__(
        self, listener: socket.socket, count: int, run: Run, *, on_ready: Callable[[], None], stop_seconds: float
    ) -> None:
        self._listener = listener
        self._run = run
        self._on_ready = on_ready
        self._stop_seconds = stop_seconds
        self._places = [_Place(number) for number in range(count)]
        self._selector = selectors.DefaultSelector()
        self._listening = False
        self._held: socket.socket | None = None
        self._was_ready = False
        self._signals = 0

    def run(self) -> None:
        """Every process served until SIGINT or SIGTERM, and has ended. Unavailable where one could not even begin."""
        with self._signals_heard() as heard:
            try:
                self._selector.register(heard, selectors.EVENT_READ)
                for place in self._places:
                    self._start(place)
                while not self._signals:
                    self._turn(heard)
            finally:
                self._stop()

    # -- one turn

    def _turn(self, heard: socket.socket) -> None:
        for key, events in self._selector.select(TICK_SECONDS):
            if key.fileobj is heard:
                with suppress(BlockingIOError):
                    heard.recv(64)
            elif key.fileobj is self._listener:
                self._accept()
            elif events & selectors.EVENT_READ:
                self._hear(key.data)
        self._hand_held()
        now = time.monotonic()
        for place in self._places:
            if not place.pid and place.again_at <= now:
                self._start(place)
        if not self._was_ready and all(place.ready for place in self._places):
            self._was_ready = True
            self._on_ready()
        self._listen(self._was_ready and self._held is None and any(place.ready for place in self._places))

    def _listen(self, wanted: bool) -> None:
        """While no process is there, or none keeps up, connections wait in the kernel."""
        if wanted and not self._listening:
            self._selector.register(self._listener, selectors.EVENT_READ)
        elif self._listening and not wanted:
            self._selector.unregister(self._listener)
        self._listening = wanted

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:
            _log.warning("a connection cannot be taken: %s", error.strerror)
            time.sleep(0.05)
            return
        if not self._hand(connection):
            self._hold(connection)

    def _hand(self, connection: socket.socket) -> bool:
        """Whether a process has it now, the one with the fewest that has room at its door."""
        for place in sorted((each for each in self._places if each.ready), key=lambda each: each.open):
            assert place.door is not None
            try:
                socket.send_fds(place.door, [b"+"], [connection.fileno()])
            except OSError:
                continue
            place.open += 1
            connection.close()
            return True
        return False

    def _hold(self, connection: socket.socket | None) -> None:
        """It is kept until a door has room, and no other is taken meanwhile: who called first is not turned away for
        those that call faster than the processes can take them."""
        self._held = connection
        events = selectors.EVENT_READ if connection is None else selectors.EVENT_READ | selectors.EVENT_WRITE
        for place in self._places:
            # The door of a process that begins has room, yet nothing is left at it before the process says so.
            if place.door is not None and (place.ready or connection is None):
                self._selector.modify(place.door, events, place)

    def _hand_held(self) -> None:
        if self._held is not None and self._hand(self._held):
            self._hold(None)

    def _hear(self, place: _Place) -> None:
        assert place.door is not None
        try:
            said = place.door.recv(4096)
        except BlockingIOError:
            return
        except ConnectionError:
            said = b""
        place.open -= said.count(CLOSED)
        place.ready = place.ready or READY in said
        if not said:
            self._bury(place)

    # -- processes

    def _start(self, place: _Place) -> None:
        ours, theirs = socket.socketpair()
        for each in (sys.stdout, sys.stderr):
            each.flush()
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._be(place.number, theirs)
        theirs.close()
        ours.setblocking(False)
        place.pid, place.door, place.ready, place.open, place.started = pid, ours, False, 0, time.monotonic()
        self._selector.register(ours, selectors.EVENT_READ, place)

    def _be(self, number: int, door: socket.socket) -> NoReturn:
        """The forked process: nothing of the front's stays open in it, and it never comes back from here."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            # Ctrl-C reaches the whole group; the front then tells each process in its own way.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._selector.close()
            self._listener.close()
            for place in self._places:
                if place.door is not None:
                    place.door.close()
            if self._held is not None:
                self._held.close()
            self._run(door, number)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _bury(self, place: _Place) -> None:
        assert place.door is not None
        self._selector.unregister(place.door)
        place.door.close()
        _, status = os.waitpid(place.pid, 0)
        ran = time.monotonic() - place.started
        place.pid, place.door, place.ready, place.open = 0, None, False, 0
        if not self._was_ready:
            raise Unavailable("A server process ended before it could serve.", hint="Its own words stand above.")
        place.wait = RESTART_SECONDS_LEAST if ran > STEADY_SECONDS else min(2 * place.wait, RESTART_SECONDS_MOST)
        place.again_at = time.monotonic() + place.wait
        code = os.waitstatus_to_exitcode(status)
        how = f"by signal {-code}" if code < 0 else f"with {code}"
        _log.error("server process %d ended %s and is replaced in %.1f s", place.number, how, place.wait)

    # -- the end

    @contextmanager
    def _signals_heard(self) -> Iterator[socket.socket]:
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        writing.setblocking(False)

        def count(_sign: int, _frame: FrameType | None) -> None:
            self._signals += 1

        wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        before = {each: signal.signal(each, count) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield reading
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
            signal.set_wakeup_fd(wakeup)
            reading.close()
            writing.close()

    def _stop(self) -> None:
        """No connection is taken any more, and every process has ended: gently, or by force where it took too long or a
        second signal came."""
        self._listener.close()
        if self._held is not None:
            self._held.close()
        running = [place for place in self._places if place.pid]
        for place in running:
            if place.door is not None:
                place.door.close()
                place.door = None
        asked, deadline = self._signals, time.monotonic() + self._stop_seconds
        forced = False
        while running:
            if not forced and (self._signals > max(asked, 1) or time.monotonic() > deadline):
                forced = True
                for place in running:
                    with suppress(ProcessLookupError):
                        os.kill(place.pid, signal.SIGKILL)
            for place in list(running):
                if os.waitpid(place.pid, os.WNOHANG)[0]:
                    place.pid = 0
                    running.remove(place)
            time.sleep(0.01)
        self._selector.close()
