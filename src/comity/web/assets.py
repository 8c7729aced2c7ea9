"""The files that pages are made with: style, scripts and pictures, each under its name and under one with its digest.

The scripts of others are there where the build found them (docs/adr/0020), so a page asks before it names one.
"""

import functools
import hashlib
import importlib.resources
import re
from dataclasses import dataclass

from comity.errors import NotFound

TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
}
DIGEST_CHARACTERS = 32
FOLDERS = ("", "vendor")
_NAMED = re.compile(rf"(.+)\.([0-9a-f]{{{DIGEST_CHARACTERS}}})\.([a-z]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file with its media type. `digest` begins the SHA-256 of its content, in hex."""

    content: bytes
    kind: str
    digest: str


def asset_at(file: str) -> tuple[Asset, bool]:
    """The file of that name, and whether the name has its digest, so that the answer is the same for ever. NotFound
    where there is none, or its content is another."""
    found = _assets().get(file)
    if found is not None:
        return found, False
    named = _NAMED.fullmatch(file)
    if named is not None:
        found = _assets().get(f"{named[1]}.{named[3]}")
        if found is not None and found.digest == named[2]:
            return found, True
    raise NotFound("There is nothing under this path.", where="path")


def address_of(file: str) -> str:
    """Where pages find the file, by the digest of its content; empty where there is none."""
    found = _assets().get(file)
    stem, _, ending = file.rpartition(".")
    return f"/static/{stem}.{found.digest}.{ending}" if found is not None else ""


@functools.cache
def _assets() -> dict[str, Asset]:
    found: dict[str, Asset] = {}
    for folder in FOLDERS:
        place = importlib.resources.files("comity.web").joinpath("static", folder)
        for file in place.iterdir() if place.is_dir() else ():
            kind = TYPES.get(file.name.rpartition(".")[2])
            if kind is not None:
                assert file.name not in found, f"{file.name} is there twice"
                content = file.read_bytes()
                found[file.name] = Asset(content, kind, hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS])
    return found
