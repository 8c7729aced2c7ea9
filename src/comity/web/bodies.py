"""Request bodies: bounded while they come and while they wait; see `comity.taxii.coding` for what they unpack to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from comity.taxii.coding import too_large
from comity.web.problems import TooSlow

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

IDLE_SECONDS = 30
DRAIN_SECONDS = 10
DRAIN_IDLE_SECONDS = 0.5


class ClientGoneError(Exception):
    """The client hung up; there is nobody to answer."""


class Body:
    """The body of one request, read at most once; `ended` says that nothing of it is still to come."""

    def __init__(self, receive: Receive, *, announced: int | None, expected: bool) -> None:
        self._receive = receive
        self.announced = announced
        self.ended = not expected

    async def read(self, bytes_max: int) -> bytes:
        """The whole body. TooLarge above that size, TooSlow where it stops coming."""
        return b"".join([part async for part in self.parts(bytes_max)])

    async def parts(self, bytes_max: int) -> AsyncIterator[bytes]:
        """The same in pieces, as they come."""
        if self.announced is not None and self.announced > bytes_max:
            raise too_large(bytes_max)
        size = 0
        while not self.ended:
            part = await self._next(IDLE_SECONDS)
            size += len(part)
            if size > bytes_max:
                raise too_large(bytes_max)
            yield part

    async def drain(self, bytes_max: int) -> None:
        """What is still to come was read and dropped, so that the client hears the answer, unless it is very much.

        A client that stops sending awaits the answer, so it is given.
        """
        if self.announced is not None and self.announced > bytes_max:
            return
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                left = bytes_max
                while not self.ended and left > 0:
                    left -= len(await self._next(DRAIN_IDLE_SECONDS))
        except (TimeoutError, TooSlow):
            pass

    async def _next(self, seconds: float) -> bytes:
        try:
            async with asyncio.timeout(seconds):
                message = await self._receive()
        except TimeoutError:
            raise TooSlow("The rest of the body did not come in time.", where="body") from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        self.ended = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part


class Room:
    """Memory for bodies that come or are worked on, or for answers that wait to be read. Whoever finds no room waits;
    one client alone cannot fill it, so that many slow ones of one keep no other waiting."""

    def __init__(self, bytes_max: int, *, of_one_max: int) -> None:
        self._left = bytes_max
        self._of_one_max = of_one_max
        self._taken: Counter[str | None] = Counter()
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def of(self, client: str | None, size: int) -> AsyncIterator["Held"]:
        """That many bytes are kept free for the client inside the block."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._left >= size and self._taken[client] + size <= self._of_one_max)
            self._take(client, size)
        held = Held(self, client, size)
        try:
            yield held
        finally:
            await held.becomes(0)

    def _take(self, client: str | None, size: int) -> None:
        self._left -= size
        self._taken[client] += size
        if not self._taken[client]:
            del self._taken[client]

    async def change(self, client: str | None, more: int) -> None:
        """The client holds so many bytes more, or fewer. It never waits, since what is more is there already."""
        async with self._changed:
            self._take(client, more)
            self._changed.notify_all()


class Held:
    """What one request holds of a Room."""

    def __init__(self, room: Room, client: str | None, size: int) -> None:
        self._room, self._client, self._size = room, client, size

    async def becomes(self, size: int) -> None:
        """It turned out to be so many bytes."""
        await self._room.change(self._client, size - self._size)
        self._size = size
