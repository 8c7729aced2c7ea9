"""The objects that all sides get: MITRE ATT&CK where it is, or indicators made here, the same every time."""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import zstandard

ENVELOPE_OBJECTS = 1000
PAGE_OBJECTS = 1000
DATA = Path(os.environ.get("COMITY_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
ATTACK = DATA / "enterprise-attack-18.1.json.zst"
MOMENT = "2026-01-01T00:00:00.000Z"


class _Envelope(msgspec.Struct):
    objects: list[msgspec.Raw] = []


class Common(msgspec.Struct):
    """The members of an object that a store needs."""

    type: str
    id: str
    created: str = ""
    modified: str = ""

    @property
    def version(self) -> str:
        """What TAXII takes for the version."""
        return self.modified or self.created or MOMENT


_envelope = msgspec.json.Decoder(_Envelope)
common = msgspec.json.Decoder(Common).decode


def cut(envelope: bytes) -> list[bytes]:
    """The objects of a bundle or an envelope, byte for byte."""
    return [bytes(raw) for raw in _envelope.decode(envelope).objects]


def objects_of(count: int | None = None) -> tuple[str, list[bytes]]:
    """The objects to send and their name: the first `count` of ATT&CK, or as many that are made here."""
    if ATTACK.exists():
        raw = zstandard.ZstdDecompressor().decompress(ATTACK.read_bytes(), max_output_size=1 << 31)
        return "MITRE ATT&CK Enterprise 18.1", cut(raw)[:count]
    return "made indicators (the ATT&CK file is not there)", list(made(count or 25_000))


def made(count: int) -> Iterator[bytes]:
    """Indicators of documentation addresses."""
    rng = random.Random(1)
    for _ in range(count):
        number = rng.getrandbits(128) & ~(0xF << 76) | (4 << 76)
        digits = f"{number & ~(0x3 << 62) | (0x2 << 62):032x}"
        uuid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        value = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid}",
            "created": MOMENT,
            "modified": MOMENT,
            "name": f"Command and control {rng.randrange(10**6)}",
            "pattern": f"[ipv4-addr:value = '198.51.100.{rng.randrange(256)}']",
            "pattern_type": "stix",
            "valid_from": MOMENT,
        }
        yield json.dumps(value).encode()


def write_indicators(count: int, path: Path) -> str:
    """A file with so many indicators, an object a line, was written without holding them; what made them."""
    maker = DATA / "make_indicators.py"
    if maker.exists():
        subprocess.run([sys.executable, str(maker), str(count), "--seed", "7", "-o", str(path)], check=True)
        return f"`make_indicators.py {count} --seed 7`"
    with path.open("wb") as file:
        for raw in made(count):
            file.write(raw + b"\n")
    return f"{count:,} made indicators (`make_indicators.py` is not there)"


def envelopes_of(objects: Sequence[bytes]) -> list[bytes]:
    """The bodies to POST."""
    cuts = range(0, len(objects), ENVELOPE_OBJECTS)
    return [b'{"objects":[' + b",".join(objects[at : at + ENVELOPE_OBJECTS]) + b"]}" for at in cuts]


def one_of_each_type(objects: Sequence[bytes]) -> list[bytes]:
    """The first object of every type."""
    first: dict[str, bytes] = {}
    for raw in objects:
        first.setdefault(common(raw).type, raw)
    return list(first.values())


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder that is gone afterwards."""
    return tempfile.TemporaryDirectory(prefix="comity-bench-")
