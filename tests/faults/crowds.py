"""Clients that behave badly, many at once, each kind in its own way; they call from an address of their own."""

import contextlib
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.serving import TAXII

ADDRESS = "127.0.0.2"
OBJECTS_PATH = "/taxii2/root/collections/default/objects/"


@dataclass
class Mob:
    """Sockets that were opened, and what is done with each of them a few times a second."""

    address: tuple[str, int]
    token: str
    sockets: list[socket.socket] = field(default_factory=list)
    count: int = 0
    refused: int = 0

    def head(self, method: str, *more: str) -> bytes:
        """A request's head, with a page of all that there is as its target."""
        lines = [f"{method} {OBJECTS_PATH} HTTP/1.1", "Host: node", f"Authorization: Bearer {self.token}"]
        return "\r\n".join([*lines, f"Accept: {TAXII}", *more, "", ""]).encode()

    def open(self, *, receive_bytes: int | None = None) -> socket.socket | None:
        """One socket more; None where nobody takes it."""
        one = socket.socket()
        try:
            if receive_bytes is not None:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            one.bind((ADDRESS, 0))
            one.settimeout(2)
            one.connect(self.address)
            one.setblocking(False)
        except OSError:
            one.close()
            self.refused += 1
            return None
        self.sockets.append(one)
        return one

    def send(self, one: socket.socket, payload: bytes) -> None:
        """As much of it as is taken."""
        with contextlib.suppress(OSError):
            one.send(payload)

    def gather(self) -> None:
        """All of them are there."""
        for _ in range(self.count):
            self.open()

    def tick(self) -> None:
        """What they do again and again."""

    def leave(self) -> None:
        """None of them is there."""
        for one in self.sockets:
            one.close()
        self.sockets.clear()


class SlowReaders(Mob):
    """Each asks for a page and reads a byte now and then."""

    def gather(self) -> None:
        for _ in range(self.count):
            one = self.open(receive_bytes=4096)
            if one is not None:
                self.send(one, self.head("GET") * 2)

    def tick(self) -> None:
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.recv(1)


class SlowWriters(Mob):
    """Each announces a large body and sends a byte now and then."""

    def gather(self) -> None:
        for _ in range(self.count):
            one = self.open()
            if one is not None:
                self.send(one, self.head("POST", f"Content-Type: {TAXII}", "Content-Length: 30000000"))

    def tick(self) -> None:
        for one in self.sockets:
            self.send(one, b" ")


class HalfOpen(Mob):
    """Each has said half of what it wants, and either says no more or has closed its side."""

    def gather(self) -> None:
        for place in range(self.count):
            one = self.open()
            if one is not None:
                self.send(one, self.head("GET")[:60])
                if place % 2:
                    with contextlib.suppress(OSError):
                        one.shutdown(socket.SHUT_WR)


class Pipelining(Mob):
    """Each sends requests without end and reads the answers without looking."""

    def gather(self) -> None:
        super().gather()
        self.tick()

    def tick(self) -> None:
        for one in self.sockets:
            self.send(one, self.head("GET") * 20)
            with contextlib.suppress(OSError):
                while one.recv(1 << 18):
                    pass


class AtOnce(Mob):
    """All ask at the same moment, read, and ask again."""

    def gather(self) -> None:
        super().gather()
        for one in self.sockets:
            self.send(one, self.head("GET"))

    def tick(self) -> None:
        for one in self.sockets:
            with contextlib.suppress(OSError):
                if len(one.recv(1 << 20)) and random.random() < 0.3:
                    self.send(one, self.head("GET"))


class Opening(Mob):
    """One client that opens connection after connection and lets none go."""

    def tick(self) -> None:
        for _ in range(50):
            if len(self.sockets) < 2 * self.count:
                self.open()


KINDS: dict[str, tuple[Callable[..., Mob], int]] = {
    "slow readers": (SlowReaders, 200),
    "slow writers": (SlowWriters, 200),
    "half-open connections": (HalfOpen, 200),
    "idle connections": (Mob, 500),
    "200 at once": (AtOnce, 200),
    "pipelining": (Pipelining, 20),
    "one that opens many": (Opening, 2500),
}


def run(mob: Mob, gathered: threading.Event, done: threading.Event) -> None:
    """The mob is there, all of it once `gathered` is set, until `done`."""
    try:
        mob.gather()
        gathered.set()
        while not done.wait(0.1):
            mob.tick()
    finally:
        mob.leave()
