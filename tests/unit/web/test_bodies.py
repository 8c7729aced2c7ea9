"""Request bodies are bounded while they come and when they are unpacked."""

import asyncio
import gzip
from collections.abc import Coroutine
from typing import Any

import pytest
import zstandard

from comity.errors import InvalidRequest, TooLarge, UnsupportedMedia
from comity.taxii.coding import MEMBERS_MAX, unpacked
from comity.web import bodies
from comity.web.bodies import Body, ClientGoneError, Room
from comity.web.problems import TooSlow

PLAIN = b'{"objects":[]}' * 1000
ZSTD = zstandard.ZstdCompressor()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def body_of(*parts: bytes, announced: int | None = None, gone: bool = False, silent: bool = False) -> Body:
    """A body that comes in these parts, and then is over, or the client hangs up, or says nothing more."""
    left = list(parts)

    async def receive() -> dict[str, Any]:
        if left:
            part = left.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(left) or gone or silent}
        if silent:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    return Body(receive, announced=announced, expected=True)


def test_a_body_is_read_whole_up_to_the_limit() -> None:
    assert run(body_of(b"ab", b"", b"cd").read(4)) == b"abcd"
    assert run(Body(lambda: None, announced=None, expected=False).read(4)) == b""  # type: ignore[arg-type,return-value]


def test_a_body_above_the_limit_is_refused_also_when_only_announced() -> None:
    with pytest.raises(TooLarge):
        run(body_of(b"ab", b"cde").read(4))
    with pytest.raises(TooLarge):
        run(body_of(announced=5).read(4))


def test_a_client_that_hangs_up_is_gone_and_one_that_stops_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "IDLE_SECONDS", 0.01)
    with pytest.raises(ClientGoneError):
        run(body_of(b"a", gone=True).read(4))
    with pytest.raises(TooSlow):
        run(body_of(b"a", silent=True).read(4))


def test_draining_ends_at_the_end_at_much_and_at_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "DRAIN_IDLE_SECONDS", 0.01)
    for body, ended in (
        (body_of(b"a", b"b"), True),
        (body_of(b"aaaa", b"aaaa", b"aaaa"), False),
        (body_of(b"a", silent=True), False),
        (body_of(b"a", announced=100), False),
    ):
        run(body.drain(8))
        assert body.ended is ended


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (None, PLAIN),
        ("identity", PLAIN),
        ("gzip", gzip.compress(PLAIN, mtime=0)),
        ("gzip", gzip.compress(PLAIN[:500], mtime=0) + gzip.compress(PLAIN[500:])),
        ("zstd", ZSTD.compress(PLAIN)),
        ("zstd", ZSTD.compress(PLAIN[:500]) + ZSTD.compress(PLAIN[500:])),
        ("zstd", zstandard.ZstdCompressor(write_content_size=False).compress(PLAIN)),
    ],
)
def test_a_packed_body_is_unpacked_whole_and_only_up_to_the_limit(coding: str | None, packed: bytes) -> None:
    assert unpacked(packed, coding, len(PLAIN)) == PLAIN
    if coding in ("gzip", "zstd"):
        with pytest.raises(TooLarge):
            unpacked(packed, coding, len(PLAIN) - 1)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("damage", ["cut", "trailing", "flipped", "other"])
def test_what_is_not_whole_is_refused(coding: str, damage: str) -> None:
    packed = (
        gzip.compress(PLAIN, mtime=0)
        if coding == "gzip"
        else zstandard.ZstdCompressor(write_checksum=True).compress(PLAIN)
    )
    broken = {
        "cut": packed[:-2],
        "trailing": packed + b"xxxxx",
        "flipped": packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:],
        "other": PLAIN,
    }[damage]
    with pytest.raises(InvalidRequest):
        unpacked(broken, coding, 10**6)


@pytest.mark.slow
@pytest.mark.timeout(10)
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_bomb_does_not_go_off(coding: str) -> None:
    huge = bytes(200 * 2**20)
    packed = gzip.compress(huge, 1, mtime=0) if coding == "gzip" else ZSTD.compress(huge)
    with pytest.raises(TooLarge):
        unpacked(packed, coding, 2**20)


@pytest.mark.slow
@pytest.mark.parametrize(("coding", "member"), [("gzip", gzip.compress(b"", mtime=0)), ("zstd", ZSTD.compress(b""))])
def test_members_are_counted(coding: str, member: bytes) -> None:
    with pytest.raises(InvalidRequest, match="members"):
        unpacked(member * (MEMBERS_MAX + 1), coding, 100)


def test_a_window_wider_than_the_standard_lets_be_is_refused() -> None:
    wide = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    with pytest.raises(InvalidRequest):
        unpacked(packer.compress(b"x") + packer.flush(), "zstd", 100)


def test_other_codings_are_unsupported() -> None:
    for coding in ("br", "gzip, gzip"):
        with pytest.raises(UnsupportedMedia):
            unpacked(PLAIN, coding, 10**6)


def told_by(*wishes: tuple[str, str, int]) -> list[str]:
    """What happens in a room of 10 bytes, 8 for one sender, when these bodies come and the first stays for a while."""

    async def story() -> list[str]:
        room, told, over = Room(10, of_one_max=8), [], asyncio.Event()

        async def one(name: str, sender: str, size: int) -> None:
            async with room.of(sender, size):
                told.append(f"{name} in")
                if name == "first":
                    await over.wait()
            told.append(f"{name} out")

        tasks = [asyncio.create_task(one(*wish)) for wish in wishes]
        await asyncio.sleep(0.01)
        over.set()
        await asyncio.gather(*tasks)
        return told

    found: list[str] = run(story())
    return found


def test_room_is_given_to_those_who_fit_and_the_others_wait() -> None:
    told = told_by(("first", "a", 8), ("large", "b", 5), ("small", "c", 2))
    assert told == ["first in", "small in", "small out", "first out", "large in", "large out"]


def test_one_sender_does_not_take_the_room_of_others() -> None:
    told = told_by(("first", "a", 5), ("second", "a", 4), ("other", "b", 4))
    assert told == ["first in", "other in", "other out", "first out", "second in", "second out"]
