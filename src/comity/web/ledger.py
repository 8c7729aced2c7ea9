"""The ledger as C2SP tlog-tiles has it: a checkpoint, tiles of hashes, and bundles of commitments."""

import re

from comity.errors import NotFound
from comity.ledger.tiles import INDEX_MAX, WIDTH
from comity.node.access import Access
from comity.web.answer import TEXT_TYPE, Answer
from comity.web.call import Call

ENTRIES = "entries"
BYTES_TYPE = "application/octet-stream"
LEVEL_MOST = 63
_LEVEL = re.compile(r"0|[1-9][0-9]?", re.ASCII)
_PLACE = re.compile(r"((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


def checkpoint(call: Call, access: Access) -> Answer:
    """The newest checkpoint for the caller, as a signed note."""
    return Answer(call.node.ledger_checkpoint(access), media_type=TEXT_TYPE)


def tile(call: Call, access: Access) -> Answer:
    """`<L>/<N>[.p/<W>]`: a tile of hashes, or with `entries` in place of a level a bundle. NotFound for any other path,
    and for what the checkpoint of the caller does not cover."""
    names = call.parameters
    place = "/".join(names[each] for each in ("first", "second", "third") if each in names)
    level, match = names["level"], _PLACE.fullmatch(place)
    if match is None or not (level == ENTRIES or (_LEVEL.fullmatch(level) and int(level) <= LEVEL_MOST)):
        raise _none()
    digits, width = match[1].replace("x", "").replace("/", ""), int(match[2] or WIDTH)
    # A number has one spelling: no group of zeros stands before it.
    if int(digits) > INDEX_MAX or width > WIDTH or (len(digits) > 3 and digits.startswith("000")):
        raise _none()
    if width == WIDTH and match[2] is not None:
        raise _none()
    if level == ENTRIES:
        return Answer(call.node.ledger_bundle(access, int(digits), width), media_type=BYTES_TYPE)
    return Answer(call.node.ledger_tile(access, int(level), int(digits), width), media_type=BYTES_TYPE)


def _none() -> NotFound:
    return NotFound("There is no such tile.", where="path", rule="C2SP tlog-tiles, Merkle Tree")
