"""What is attached to an object: never shown, never fetched; kept as a file by whoever wants it (R68).

STIX carries bytes in the `payload_bin` of an artifact (STIX 2.1 section 6.1). Whatever they are, the browser gets them
as bytes to keep, under a name that the node makes, in a response that can do nothing.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

from comity.errors import Invalid, NotFound
from comity.node.people import READING
from comity.node.showing import CopyView
from comity.web.answer import Answer
from comity.web.ui.describing import value_of
from comity.web.ui.objects import ROOT as OBJECT
from comity.web.ui.objects import SANDBOXED, about_page, id_of, shown_copy
from comity.web.ui.purpose import purposed
from comity.web.ui.visit import Page, Visit

ROOT = f"{OBJECT}/attachment"
BYTES_TYPE = "application/octet-stream"
NAME = "attachment.bin"
"""What every one is called: neither its name nor the ending of it is chosen by others."""
HASHES = {"SHA-256": "sha256", "SHA-512": "sha512", "SHA3-256": "sha3_256", "SHA3-512": "sha3_512", "MD5": "md5"}
HASHES |= {"SHA-1": "sha1"}
SAID_MOST = 10


@dataclass(frozen=True, slots=True)
class Said:
    """A hash that the object says: its name, its value, and whether it is that of the bytes; None where that is not
    looked at."""

    name: str
    value: str
    holds: bool | None


@dataclass(frozen=True, slots=True)
class Attachment:
    """The bytes of an artifact. `kind` is the media type that the object says, `url` where it says that they lie;
    neither is believed. `content` is None where the object has none, or what cannot be read."""

    kind: str
    url: str
    content: bytes | None
    broken: bool
    said: tuple[Said, ...] = ()
    encrypted: str = ""

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content or b"")

    @property
    def digest(self) -> str:
        """The SHA-256 of the bytes."""
        return hashlib.sha256(self.content or b"").hexdigest()


def attachment_of(copy: CopyView) -> Attachment | None:
    """What is attached to the object; None where that is nothing."""
    value = value_of(copy)
    if copy.type != "artifact" or not ("payload_bin" in value or "url" in value):
        return None
    content, broken = _content(value.get("payload_bin"))
    return Attachment(
        kind=_text(value, "mime_type"),
        url=_text(value, "url"),
        content=content,
        broken=broken,
        said=_said(value.get("hashes"), content),
        encrypted=_text(value, "encryption_algorithm"),
    )


def page(visit: Visit) -> Answer:
    """What it is said to be and what it is, before anybody keeps it."""
    about = visit.node.about(id_of(visit), links=1)
    found = attachment_of(shown_copy(about))
    if found is None:
        raise NotFound("Nothing is attached to this object.", where="id")
    return about_page(visit, "attachment", about, found=found)


def file(visit: Visit) -> Answer:
    """The bytes, to keep. NotFound where there are none, Invalid where they cannot be read."""
    found = attachment_of(shown_copy(visit.node.about(id_of(visit), links=1)))
    if found is None or (found.content is None and not found.broken):
        raise NotFound("Nothing is attached to this object.", where="id")
    if found.content is None:
        raise Invalid("What is attached is not base64.", where="payload_bin", rule="STIX 2.1 §6.1")
    kept = (("Content-Disposition", f'attachment; filename="{NAME}"'), *SANDBOXED)
    return Answer(found.content, media_type=BYTES_TYPE, headers=kept)


def _content(payload: Any) -> tuple[bytes | None, bool]:
    if payload is None:
        return None, False
    try:
        return base64.b64decode(payload if isinstance(payload, str) else "!", validate=True), False
    except (binascii.Error, ValueError):
        return None, True


def _said(hashes: Any, content: bytes | None) -> tuple[Said, ...]:
    found = []
    for name, value in list(hashes.items())[:SAID_MOST] if isinstance(hashes, dict) else ():
        holds = None
        if content is not None and name in HASHES:
            holds = hashlib.new(HASHES[name], content, usedforsecurity=False).hexdigest() == str(value).lower()
        found.append(Said(name, str(value), holds))
    return tuple(found)


def _text(value: dict[str, Any], name: str) -> str:
    return str(value.get(name) or "")


_WHO = frozenset(READING)
PAGES: tuple[Page, ...] = (
    Page(ROOT, purposed(page), _WHO),
    Page(f"{ROOT}.bin", purposed(file), _WHO),
)
