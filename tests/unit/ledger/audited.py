"""An exported ledger to tamper with, and what is said of it then."""

from tests.unit.ledger.logs import (
    LOG,
    NODE,
    ORIGIN,
    entries_of,
    file_of,
)

from comity.canonical import canonical_bytes
from comity.ledger.audit import audit

ENTRIES = entries_of(12, {2, 9})
LINES = file_of(ENTRIES)
KEY = str(LOG.verifier)


def place_of(seq: int, lines: list[bytes] = LINES) -> int:
    """Where the line of the entry stands."""
    return next(at for at, line in enumerate(lines) if line.endswith(b'"seq":%d}\n' % seq))


def first_bad(lines: list[bytes], **more: list[str]) -> int:
    """The first bad entry of a file in which something is bad."""
    report = audit(lines, [KEY], **more)
    assert not report.ok
    return report.problems[0].seq


def found(lines: list[bytes], keys: list[str] | None = None, against: list[str] | None = None) -> str:
    """All that is said of a file in which something is bad."""
    report = audit(lines, [KEY] if keys is None else keys, against or [])
    assert not report.ok
    return "\n".join(f"{each.seq}: {each.what}" for each in report.problems)


def header(**changes: object) -> bytes:
    """The first line with other members."""
    value = {"format": "comity-ledger/1", "keys": [KEY], "node": NODE, "origin": ORIGIN, **changes}
    return canonical_bytes({name: one for name, one in value.items() if one is not None}) + b"\n"
